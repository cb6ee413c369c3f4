// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"time"
)

// Rule picks a profile, or refuses, for the workloads that it matches.
type Rule struct {
	Name string
	// Profile is the name of the profile that the workload gets.
	Profile string
	// Mode says what is done with it: one of the Mode… constants.
	Mode string
	// Reason and Owner are for people. A refusal shows the reason.
	Reason, Owner string
	// Expires is when the rule stops to match; zero for never.
	Expires time.Time
	// Claims lets the rule loosen although it goes by names that whoever starts
	// the container may have chosen: see Match.
	Claims bool
	// Requestable are the keys that a workload may set for itself, by
	// annotations dev.runclad.KEY: see Requests.
	Requestable []string
	Match       Match
	// File and Line are where it stands.
	File string
	Line int
}

// The modes of a rule.
const (
	// ModeEnforce: the workload gets the profile.
	ModeEnforce = "enforce"
	// ModeAudit: the workload starts as its engine asked, and the audit line
	// says what the profile would have made of it.
	ModeAudit = "audit"
	// ModeRefuse: the workload does not start.
	ModeRefuse = "refuse"
)

// Match says which workloads a rule is for: all that match every key that is
// set. A list matches if one of its patterns does; * in a pattern stands for any
// number of characters, / among them, and ? for one.
//
// Annotations and labels are chosen by whoever starts a container, and so are
// the names that Podman and CRI-O pass on. Rules that loosen by those need
// Claims.
type Match struct {
	Engine, Namespace, Pod, Container []string
	// Image is compared with each way in which the image can be written: as the
	// engine has it, in full with registry and tag, without tag, and by digest.
	Image []string
	// Annotation and Label hold a pattern for each key.
	Annotation, Label []Pair
	// Sandbox tells pause containers from others; nil matches both.
	Sandbox *bool
}

// Pair is a key and the patterns for its value.
type Pair struct {
	Key    string
	Values []string
}

// Expired reports whether the rule's time is over.
func (r *Rule) Expired(now time.Time) bool { return !r.Expires.IsZero() && !now.Before(r.Expires) }

// Refusal says in a clause why a rule with ModeRefuse stops a container.
func (r *Rule) Refusal() string {
	text := fmt.Sprintf("rule %s (%s, line %d) refuses this container", r.Name, r.File, r.Line)
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	if r.Owner != "" {
		text += " (ask " + r.Owner + ")"
	}
	return text
}

// Loosens reports whether the rule gives more than the built-in defaults.
func (r *Rule) Loosens(p *Policy) bool {
	switch r.Mode {
	case ModeRefuse:
		return false
	case ModeAudit:
		return true
	}
	return p.Profiles[r.Profile].Loosens()
}

// Glob reports whether a pattern matches all of s.
func Glob(pattern, s string) bool {
	// The last * seen, and where what it stands for would end.
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case i < len(pattern) && (pattern[i] == '?' || pattern[i] == s[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(pattern) && pattern[i] == '*' {
		i++
	}
	return i == len(pattern)
}

// anyGlob reports whether one of the patterns matches one of the names.
func anyGlob(patterns []string, names ...string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return Glob(pattern, name) })
	})
}
