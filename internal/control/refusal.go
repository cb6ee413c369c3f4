// SPDX-License-Identifier: Apache-2.0

package control

import (
	"fmt"
	"strings"
)

// Refusal is the error of a container that may not start as it was asked for.
type Refusal struct {
	Control Control
	// Reason is a clause: what was asked for, and why it undoes the hardening.
	Reason string
	// Allow is the policy line that would let it pass, "" if none would.
	Allow string
	// Profile is the one that the container gets, under which that line goes; ""
	// for the default.
	Profile string
}

// Where the policy lies.
const (
	PolicyFile = "/etc/runclad/policy.toml"
	PolicyDir  = "/etc/runclad/policy.d"
)

// Refuse makes a Refusal. Allow is a key and value of the policy file.
func Refuse(c Control, allow, format string, args ...any) *Refusal {
	return &Refusal{Control: c, Reason: fmt.Sprintf(format, args...), Allow: allow}
}

func (r *Refusal) Error() string {
	s := fmt.Sprintf("%s (control %s; %s)", r.Reason, r.Control.ID, r.Control.Standards)
	if r.Allow != "" {
		profile := r.Profile
		if profile == "" {
			profile = "default"
		}
		s += fmt.Sprintf("; to allow it, put %s under [profile.%s] in %s", r.Allow, profile, PolicyFile)
	}
	return s
}

// Refusals is every reason for which one container is refused, so that a user
// can mend them in one go.
type Refusals []*Refusal

func (rs Refusals) Error() string {
	texts := make([]string, len(rs))
	for i, r := range rs {
		texts[i] = r.Error()
	}
	return strings.Join(texts, ". Also: ")
}
