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

func verifyPropagation(e *edit) error {
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
