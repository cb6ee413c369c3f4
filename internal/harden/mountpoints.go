// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/spec"
)

// applyMountPoints refuses mounts that could turn out to be others than those
// the next steps judge, and those over the files by which the runtime sets the
// container up.
func applyMountPoints(e *edit) {
	for _, m := range e.doc.Get("mounts").Elems() {
		if harm := misread(e, m); harm != "" {
			e.refuse("", "the mount at %s: %s", m.Get("destination").Str(), harm)
		}
	}
}

// misread says what is wrong with a mount, "" if nothing is.
func misread(e *edit, m *spec.Value) string {
	if slices.Contains(strings.Split(m.Get("destination").Str(), "/"), "..") {
		// runc takes the ".." of proc and sysfs textually, that of others after
		// the image's links; crun takes all after the links.
		return `its destination holds a ".."`
	}
	for _, o := range options(m) {
		switch {
		case o == "remount":
			// Of a bind it changes the flags of what is mounted there already, of
			// anything else the host's own filesystem (mount(2), MS_REMOUNT).
			return "the option remount changes a mount that was judged before"
		case strings.Contains(o, ",") && !host.IsBind(m):
			return "the option " + quote(o) + " holds a comma, and is more than one option for the kernel"
		}
	}
	if at, linked := e.Facts.Through[m]; linked {
		return "a symbolic link in what is mounted at " + at + " leads away from it; mount where it leads, or leave the link out"
	}
	src := e.Facts.Sources[m].Path
	switch dest := destination(e, m); {
	case dest == "/dev" && host.IsBind(m) && !allowedPath(e, src):
		// The runtime mounts /dev/null over masked files after that.
		return "a bind stands in the place of the container's devices"
	case dest == "/proc" && m.Get("type").Str() == "proc" && !host.IsBind(m):
	case within(dest, "/proc") && !emulated(dest) && !allowedPath(e, src):
		// The runtime writes labels and sysctls through /proc (runc,
		// checkProcMount; CVE-2019-19921).
		return "it lies over /proc, through which the runtime sets the container up"
	}
	return ""
}

// emulated are the files of /proc that lxcfs shows in another form; runc lets
// the same be mounted over.
func emulated(dest string) bool {
	switch dest {
	case "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps",
		"/proc/uptime", "/proc/loadavg", "/proc/slabinfo":
		return true
	}
	return false
}

// destination is where a mount ends up inside the rootfs; for one that a step
// added, what it says.
func destination(e *edit, m *spec.Value) string {
	if dest, given := e.Facts.Destinations[m]; given {
		return dest
	}
	return path.Clean("/" + m.Get("destination").Str())
}

func verifyMountPoints(e *edit) error {
	for _, m := range e.doc.Get("mounts").Elems() {
		if harm := misread(e, m); harm != "" {
			return fmt.Errorf("%s: %s", m.Path(), harm)
		}
	}
	return nil
}
