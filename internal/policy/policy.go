// SPDX-License-Identifier: Apache-2.0

package policy

import "strings"

// Policy is what holds on this node.
type Policy struct {
	// Files are those it was read from, in the order in which their rules are
	// tried; none for the built-in defaults.
	Files []string
	// Digest tells one text of the policy from another: 16 hex digits, "" for
	// the built-in defaults.
	Digest string
	// Audit says what happens to a container when the audit line can be written
	// neither to the log nor to its fallback: "required" (it is refused) or
	// "best-effort".
	Audit string
	// OnError says what happens to a container when the files cannot be read or
	// understood: "refuse" (it is refused) or "last-good" (the last policy that
	// could be holds on).
	OnError string
	// Profiles by name: the built-in ones, as the files change them, and the
	// files' own.
	Profiles map[string]*Profile
	// Rules are tried in order; the first that matches decides. Where none does,
	// the profile default holds.
	Rules []Rule
}

// Source names the files for people, "" for the built-in defaults.
func (p *Policy) Source() string { return strings.Join(p.Files, ", ") }

// Default returns the built-in policy.
func Default() *Policy {
	return &Policy{Audit: AuditRequired, OnError: OnErrorRefuse, Profiles: builtin()}
}

// Profile returns the one of workloads that no rule matches.
func (p *Policy) Profile() *Profile { return p.Profiles[ProfileDefault] }

// What a policy can say at the top.
const (
	AuditRequired   = "required"
	AuditBestEffort = "best-effort"
	OnErrorRefuse   = "refuse"
	OnErrorLastGood = "last-good"
)
