// SPDX-License-Identifier: Apache-2.0

package syscalls

import (
	"slices"
	"strings"
)

// Lookup returns the line of a call by name, nil where there is none.
func Lookup(name string) *Syscall {
	i, ok := slices.BinarySearchFunc(Table, name, func(s Syscall, name string) int { return strings.Compare(s.Name, name) })
	if !ok {
		return nil
	}
	return &Table[i]
}

// Which returns the rule or the refusal that decides a call at class Filter, both
// nil where nothing matches.
func (s *Syscall) Which(caps Caps, args [6]uint64) (*Rule, *Refusal) {
	if s.At(caps) != Filter {
		return nil, nil
	}
	for i := range s.Rules {
		if r := &s.Rules[i]; counts(r.Caps, r.Level, caps) && hold(r.Conds, args) {
			return r, nil
		}
	}
	for i := range s.Refuse {
		if r := &s.Refuse[i]; r.Unless&caps == 0 && counts(0, r.Level, caps) && hold(r.Conds, args) {
			return nil, r
		}
	}
	return nil, nil
}

// Counts reports whether the rule counts in a profile of the set caps.
func (r *Rule) Counts(caps Caps) bool { return counts(r.Caps, r.Level, caps) }
