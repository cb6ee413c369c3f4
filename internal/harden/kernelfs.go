// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"path"
	"slices"

	"github.com/runclad/runclad/internal/host"
)

// applyKernelFS holds the kernel's own filesystems to their place and to
// read-only where a container has no business writing, and refuses filesystem
// types that a container spec does not need: each would hand the kernel a
// source of the container's choosing.
func applyKernelFS(e *edit) {
	for _, m := range e.doc.Get("mounts").Elems() {
		if host.IsBind(m) {
			continue
		}
		dest, typ := e.Facts.Destinations[m], m.Get("type").Str()
		switch typ {
		case "proc", "sysfs":
			// A second one elsewhere would lack the masked and read-only paths.
			// A link in the image to the right place will not do: the runtimes
			// differ in whether they follow it.
			if want := kernelPlace(typ); dest != want || path.Clean("/"+m.Get("destination").Str()) != want {
				e.refuse("", "a mount of type %s at %s: its dangerous files are masked at %s only", typ, dest, want)
			}
			tighten(e, m, "nosuid", "noexec", "nodev")
			if typ == "sysfs" {
				tighten(e, m, "ro")
			}
		case "cgroup", "cgroup2":
			tighten(e, m, "nosuid", "noexec", "nodev", "ro")
		case "mqueue":
			tighten(e, m, "nosuid", "noexec", "nodev")
		case "devpts":
			tighten(e, m, "nosuid", "noexec")
		case "tmpfs":
		default:
			if !slices.Contains(e.Profile.MountTypes, typ) {
				e.refuse("mount_types = ["+quote(typ)+"]", "the mount at %s is of type %q", dest, typ)
			}
		}
	}
}

func kernelPlace(typ string) string {
	if typ == "proc" {
		return "/proc"
	}
	return "/sys"
}

func verifyKernelFS(e *edit) error {
	for _, m := range e.doc.Get("mounts").Elems() {
		if host.IsBind(m) {
			continue
		}
		var missing string
		switch m.Get("type").Str() {
		case "sysfs", "cgroup", "cgroup2":
			missing = loose(m, "nosuid", "noexec", "nodev", "ro")
		case "proc", "mqueue":
			missing = loose(m, "nosuid", "noexec", "nodev")
		}
		if missing != "" {
			return fmt.Errorf("%s is not %s", m.Path(), missing)
		}
	}
	return nil
}
