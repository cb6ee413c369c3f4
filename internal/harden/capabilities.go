// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"slices"

	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
)

// capabilitySets are the five of capabilities(7).
var capabilitySets = [...]string{"bounding", "effective", "inheritable", "permitted", "ambient"}

// applyCapabilities leaves those that the profile allows, by default none.
//
// The sets are written out even where the engine sent none: runc takes absent
// sets of an exec from the container, and a container's absent sets from
// nowhere at all.
func applyCapabilities(e *edit) {
	sets := make([]spec.Member, len(capabilitySets))
	for i, set := range capabilitySets {
		sets[i] = spec.M(set, spec.Texts(capabilitySet(e, set)...))
	}
	e.doc.Set(e.process, "capabilities", spec.Map(sets...))
}

// capabilitySet returns what one of the sets is to hold. A process with a user
// of runclad's gets what the engine made effective, in all five: since it is not
// root, a capability has to be ambient to be effective after execve(2).
//
// One with the user that the engine asked for keeps each set as the engine has
// it, less what the profile does not allow: root regains at each execve(2) what
// is in the bounding set, and so do set-user-ID programs; others have what they
// had. Root has no use for the inheritable and the ambient set, which would
// outlive its change to another user (CVE-2022-24769).
func capabilitySet(e *edit, set string) []string {
	if e.Profile.Identity != policy.IdentityImage {
		return Capabilities(e.Plan, e.process)
	}
	if handedOn(set) && asRoot(e.process) {
		return nil
	}
	return allowedCapabilities(e.Profile, e.process.Get("capabilities", set))
}

// handedOn knows the sets that a process passes to programs without privileges
// of their own.
func handedOn(set string) bool { return set == "inheritable" || set == "ambient" }

// asRoot reports whether a process starts as UID 0, which is also what is meant
// where no UID is given.
func asRoot(process *spec.Value) bool {
	uid, ok := process.Get("user", "uid").Int64()
	return !ok || uid == 0
}

// Capabilities returns what the process keeps or can come to have, sorted.
func Capabilities(p *Plan, process *spec.Value) []string {
	set := "effective"
	if p.Profile.Identity == policy.IdentityImage {
		set = "bounding"
	}
	kept := allowedCapabilities(p.Profile, process.Get("capabilities", set))
	slices.Sort(kept)
	return slices.Compact(kept)
}

func allowedCapabilities(p *policy.Profile, set *spec.Value) []string {
	var kept []string
	for _, c := range set.Strs() {
		if p.AllowsCapability(c) {
			kept = append(kept, c)
		}
	}
	return kept
}

func verifyCapabilities(e *edit) error {
	caps := e.process.Get("capabilities")
	image := e.Profile.Identity == policy.IdentityImage
	for _, set := range capabilitySets {
		list := caps.Get(set)
		if list.Kind() != spec.Array {
			return fmt.Errorf("the %s set is not written out", set)
		}
		given := e.asked.capabilities.Get(set).Strs()
		for _, c := range list.Strs() {
			switch {
			case !e.Profile.AllowsCapability(c):
				return fmt.Errorf("the %s set holds %s", set, c)
			case image && !slices.Contains(given, c):
				return fmt.Errorf("the %s set holds %s, which the engine did not give", set, c)
			case image && handedOn(set) && asRoot(e.process):
				return fmt.Errorf("the %s set of root holds %s", set, c)
			}
		}
	}
	return nil
}

// applyPrivileges sets no_new_privs (prctl(2), PR_SET_NO_NEW_PRIVS): set-user-ID
// programs and file capabilities give nothing.
func applyPrivileges(e *edit) {
	if !e.Profile.NewPrivileges {
		e.doc.Set(e.process, "noNewPrivileges", spec.Flag(true))
	}
}

func verifyPrivileges(e *edit) error {
	want := e.Profile.NewPrivileges && !e.asked.noNewPrivileges.True()
	if e.process.Get("noNewPrivileges").True() == want {
		return fmt.Errorf("noNewPrivileges is %t", !want)
	}
	return nil
}
