// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"slices"

	"github.com/runclad/runclad/internal/spec"
)

// capabilitySets are the five of capabilities(7).
var capabilitySets = [...]string{"bounding", "effective", "inheritable", "permitted", "ambient"}

// applyCapabilities empties all five sets. A capability that the policy gives
// back stays if the engine made it effective; since the process is not root, it
// has to be ambient to be so again.
//
// The sets are written out even where the engine sent none: runc takes absent
// sets of an exec from the container, and a container's absent sets from
// nowhere at all.
func applyCapabilities(e *edit) {
	kept := Capabilities(e.Plan, e.process)
	sets := make([]spec.Member, len(capabilitySets))
	for i, set := range capabilitySets {
		sets[i] = spec.M(set, spec.Texts(kept...))
	}
	e.doc.Set(e.process, "capabilities", spec.Map(sets...))
}

// Capabilities returns what the process keeps, sorted.
func Capabilities(p *Plan, process *spec.Value) []string {
	var kept []string
	for _, c := range process.Get("capabilities", "effective").Strs() {
		if slices.Contains(p.Profile.Capabilities, c) && !slices.Contains(kept, c) {
			kept = append(kept, c)
		}
	}
	slices.Sort(kept)
	return kept
}

func verifyCapabilities(e *edit) error {
	caps := e.process.Get("capabilities")
	for _, set := range capabilitySets {
		list := caps.Get(set)
		if list.Kind() != spec.Array {
			return fmt.Errorf("the %s set is not written out", set)
		}
		for _, c := range list.Strs() {
			if !slices.Contains(e.Profile.Capabilities, c) {
				return fmt.Errorf("the %s set holds %s", set, c)
			}
		}
	}
	return nil
}

// applyPrivileges sets no_new_privs (prctl(2), PR_SET_NO_NEW_PRIVS): set-user-ID
// programs and file capabilities give nothing.
func applyPrivileges(e *edit) { e.doc.Set(e.process, "noNewPrivileges", spec.Flag(true)) }

func verifyPrivileges(e *edit) error {
	if !e.process.Get("noNewPrivileges").True() {
		return fmt.Errorf("noNewPrivileges is not true")
	}
	return nil
}
