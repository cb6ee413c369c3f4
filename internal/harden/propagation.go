// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"

	"github.com/runclad/runclad/internal/spec"
)

// applyPropagation turns shared propagation into slave: mounts of the host
// still reach the container, those of the container do not reach the host. The
// container cannot mount anything, so nothing that worked stops working.
func applyPropagation(e *edit) {
	if e.Profile.SharedMounts {
		return
	}
	if to := slaveOf(e.doc.Get("linux", "rootfsPropagation").Str()); to != "" {
		e.doc.Set(e.doc.Get("linux"), "rootfsPropagation", spec.Text(to))
	}
	for _, m := range e.doc.Get("mounts").Elems() {
		opts := options(m)
		changed := false
		for i, o := range opts {
			if to := slaveOf(o); to != "" {
				opts[i], changed = to, true
			}
		}
		if changed {
			e.doc.Set(m, "options", spec.Texts(opts...))
		}
	}
}

func slaveOf(propagation string) string {
	switch propagation {
	case "shared":
		return "slave"
	case "rshared":
		return "rslave"
	}
	return ""
}

// AsksShared reports whether mounts of the container are meant to reach the
// host.
func AsksShared(doc *spec.Document) bool {
	if slaveOf(doc.Get("linux", "rootfsPropagation").Str()) != "" {
		return true
	}
	for _, m := range doc.Get("mounts").Elems() {
		for _, o := range m.Get("options").Elems() {
			if slaveOf(o.Str()) != "" {
				return true
			}
		}
	}
	return false
}

func verifyPropagation(e *edit) error {
	if e.Profile.SharedMounts {
		return nil
	}
	if p := e.doc.Get("linux", "rootfsPropagation").Str(); slaveOf(p) != "" {
		return fmt.Errorf("rootfsPropagation is %s", p)
	}
	for _, m := range e.doc.Get("mounts").Elems() {
		for _, o := range options(m) {
			if slaveOf(o) != "" {
				return fmt.Errorf("mount %s is %s", m.Get("destination").Str(), o)
			}
		}
	}
	return nil
}
