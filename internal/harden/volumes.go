// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

// Volume is a bind that the shim has mounted at Staged, so that the runtime
// mounts what was judged and nothing that has come to its place since.
type Volume struct {
	Staged string
	// Mapped says that its owner is shown as the container's user.
	Mapped bool
}

// applyVolumes takes set-user-ID programs and device nodes out of every bind
// and every tmpfs, programs out of tmpfs, and makes the files that engines
// write for a container (hosts, hostname, resolv.conf) read-only in it.
func applyVolumes(e *edit) {
	for _, m := range e.doc.Get("mounts").Elems() {
		switch {
		case host.IsBind(m):
			if v, staged := e.Volumes[m]; staged {
				e.doc.Set(m, "source", spec.Text(v.Staged))
				if v.Mapped {
					mapped(e, m)
				}
			}
			tighten(e, m, bindFlags(e, m)...)
			applyReadOnlyTree(e, m)
		case m.Get("type").Str() == "tmpfs":
			applyTmpfs(e, m)
		}
	}
}

// mapped takes out what would have the runtime map a bind's owners: that is done.
func mapped(e *edit, m *spec.Value) {
	for _, key := range [...]string{"uidMappings", "gidMappings"} {
		e.doc.Delete(m, key)
	}
	opts := options(m)
	kept := slices.DeleteFunc(slices.Clone(opts), func(o string) bool {
		return o == "idmap" || o == "ridmap" || strings.HasPrefix(o, "idmap=")
	})
	if len(kept) < len(opts) {
		e.doc.Set(m, "options", spec.Texts(kept...))
	}
}

// bindFlags says what a bind must be.
func bindFlags(e *edit, m *spec.Value) []string {
	if isDevice(e.Facts.Sources[m]) {
		return []string{"nosuid", "noexec"} // nodev would make it useless; the devices step judges it
	}
	flags := []string{"nosuid"}
	if !e.Profile.AllDevices() { // else a bind of the host's /dev is one of devices
		flags = append(flags, "nodev")
	}
	dest := e.Facts.Destinations[m]
	switch dest {
	case "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv":
		flags = append(flags, "ro", "noexec")
	case "/dev/shm":
		if !e.Profile.Runs(dest) {
			flags = append(flags, "noexec")
		}
	}
	if (mustBeReadOnly(e, m) || e.Profile.HostBinds == "read-only" && ofTheHost(e, m)) && !slices.Contains(flags, "ro") {
		flags = append(flags, "ro")
	}
	return flags
}

// readOnlyTree reports whether a bind has to be read-only with all that is
// mounted below it, for which ro alone does not do.
func readOnlyTree(e *edit, m *spec.Value) bool {
	return e.Profile.HostBinds == "read-only" && ofTheHost(e, m) && slices.Contains(options(m), "rbind")
}

// applyReadOnlyTree adds what makes it so (mount_setattr(2), Linux 5.12).
func applyReadOnlyTree(e *edit, m *spec.Value) {
	if opts := options(m); readOnlyTree(e, m) && !slices.Contains(opts, "rro") {
		e.doc.Set(m, "options", spec.Texts(append(opts, "rro")...))
	}
}

// ofTheHost reports whether a bind shows what is the host's own: no device, and
// nothing that an engine made or manages.
func ofTheHost(e *edit, m *spec.Value) bool {
	src := e.Facts.Sources[m]
	return host.IsBind(m) && !isDevice(src) && !engineOwn(e, src.Path, e.Facts.Destinations[m]) &&
		!(e.Workload.Engine == workload.Containerd && nerdctlOwn(src.Path))
}

// applyTmpfs bounds a tmpfs of the engine's or the user's. One that only its
// owner may write to is given to the container's user, who stands in the place
// of the user it was made for. /dev must keep its devices and stays root's.
func applyTmpfs(e *edit, m *spec.Value) {
	dest := e.Facts.Destinations[m]
	tighten(e, m, tmpfsFlags(e, dest)...)
	if dest == "/dev" {
		return
	}
	opts := options(m)
	if !sized(opts) {
		opts = with(without(opts, "nr_blocks"), "size", strconv.FormatInt(e.Profile.TmpfsSize, 10))
	}
	// Without a mode the runtime gives it the mode of the directory below.
	mode, err := strconv.ParseUint(value(opts, "mode"), 8, 32)
	if everybody := err == nil && mode&0o002 != 0; !everybody && !holds(m, opts, "ro") && e.Profile.Identity != policy.IdentityImage {
		opts = with(with(opts, "uid", decimal(e.UID)), "gid", decimal(e.GID))
	}
	e.doc.Set(m, "options", spec.Texts(opts...))
}

// tmpfsFlags says what a tmpfs must be.
func tmpfsFlags(e *edit, dest string) []string {
	flags := []string{"nosuid"}
	if dest != "/dev" {
		flags = append(flags, "nodev")
	}
	if !e.Profile.Runs(dest) {
		flags = append(flags, "noexec")
	}
	return flags
}

// sized reports whether a tmpfs has a limit. 0 means none (tmpfs(5)), and of the
// two keys the last one counts, whichever it is (shmem_parse_one, mm/shmem.c).
func sized(opts []string) bool {
	limited := false
	for _, o := range opts {
		n, ok := strings.CutPrefix(o, "size=")
		if !ok {
			n, ok = strings.CutPrefix(o, "nr_blocks=")
		}
		if ok {
			limited = n != "" && n[0] >= '1' && n[0] <= '9'
		}
	}
	return limited
}

func verifyVolumes(e *edit) error {
	for _, m := range e.doc.Get("mounts").Elems() {
		var missing string
		switch {
		case host.IsBind(m):
			if _, given := e.Facts.Destinations[m]; given {
				missing = loose(m, bindFlags(e, m)...)
				if missing == "" && readOnlyTree(e, m) && !slices.Contains(options(m), "rro") {
					missing = "read-only with what is mounted below it"
				}
			} else {
				missing = loose(m, ownFlags(e, m)...)
			}
		case m.Get("type").Str() == "tmpfs" && destination(e, m) != "/dev":
			flags := tmpfsFlags(e, destination(e, m))
			if _, given := e.Facts.Destinations[m]; !given {
				flags = ownFlags(e, m)
			}
			if missing = loose(m, flags...); missing == "" && !sized(options(m)) {
				missing = "limited in size"
			}
		}
		if missing != "" {
			return fmt.Errorf("%s is not %s", m.Path(), missing)
		}
	}
	return nil
}

// OwnerMatters reports whether a bind has files of an owner for whom the
// container's user stands in: not those that engines write for everybody, and
// not the few files of the host that are shown as they are.
func OwnerMatters(p *Plan, m *spec.Value) bool {
	e := &edit{Plan: p}
	dest := p.Facts.Destinations[m]
	return !generated(dest) && dest != "/run/.containerenv" && !Own(p.Facts.Sources[m].Path, dest) && !mustBeReadOnly(e, m)
}

// Fixed reports whether nobody but root and the engine can put something else in
// the place of a bind's source, between the time it is judged and the time it is
// mounted: what the engine writes for the container, and a few files of the
// host. A volume is not fixed: a directory in it can be replaced by those who
// have the volume, too.
func Fixed(p *Plan, m *spec.Value) bool {
	e := &edit{Plan: p}
	src, dest := p.Facts.Sources[m], p.Facts.Destinations[m]
	if engineOwn(e, src.Path, dest) && !volume(src.Path) {
		return true
	}
	return slices.Contains(readOnlyFiles[:], src.Path) || isDevice(src) && defaultDevice(src.Path).Type != ""
}
