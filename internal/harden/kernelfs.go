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
		case "cgroup", "cgroup2", "mqueue", "devpts", "tmpfs":
		default:
			if !slices.Contains(e.Profile.MountTypes, typ) {
				e.refuse("mount_types = ["+quote(typ)+"]", "the mount at %s is of type %q", dest, typ)
			}
		}
		if flags := kernelFlags(e, typ); flags != nil {
			tighten(e, m, flags...)
		}
	}
}

// kernelFlags says what a mount of the kernel's own filesystems must be.
func kernelFlags(e *edit, typ string) []string {
	switch typ {
	case "sysfs", "cgroup", "cgroup2":
		if !e.Profile.WritableKernelFS {
			return []string{"nosuid", "noexec", "nodev", "ro"}
		}
		return []string{"nosuid", "noexec", "nodev"}
	case "proc", "mqueue":
		return []string{"nosuid", "noexec", "nodev"}
	case "devpts":
		return []string{"nosuid", "noexec"}
	}
	return nil
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
		missing := loose(m, kernelFlags(e, m.Get("type").Str())...)
		if missing != "" {
			return fmt.Errorf("%s is not %s", m.Path(), missing)
		}
	}
	return nil
}
