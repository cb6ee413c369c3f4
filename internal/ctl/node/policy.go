// SPDX-License-Identifier: Apache-2.0

package node

import (
	"github.com/runclad/runclad/internal/policy"
)

// Policy is the policy that holds now.
type Policy struct {
	*policy.Policy
	// Err is why it cannot be loaded: creates are refused then.
	Err error
}

// LoadPolicy loads the policy as the shim would.
func LoadPolicy() Policy {
	var p Policy
	p.Policy, p.Err = policy.System.Read()
	return p
}

// Stale reports whether the container was made under another policy than the
// one that holds now.
func (p Policy) Stale(c *Container) bool {
	return c.Record != nil && p.Policy != nil && p.Digest != c.Record.PolicyDigest
}

// SeccompLevel is the level of a profile, "" for one that the policy lacks.
func (p Policy) SeccompLevel(profile string) string {
	if p.Err != nil || p.Profiles[profile] == nil {
		return ""
	}
	return p.Profiles[profile].Seccomp
}
