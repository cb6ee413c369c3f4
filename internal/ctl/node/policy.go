// SPDX-License-Identifier: Apache-2.0

package node

import (
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/runclad/runclad/internal/policy"
)

// Policy is the policy that holds now.
type Policy struct {
	*policy.Policy
	// Err is why it cannot be loaded: creates are refused then.
	Err error
	// Digest names its content, "" where that is not known.
	Digest string
	// Changed is when a file of it was last changed, zero without one.
	Changed time.Time
}

// LoadPolicy loads the policy as the shim would.
func LoadPolicy() Policy {
	var p Policy
	p.Policy, p.Err = policy.Load(policy.File)
	if p.Err == nil {
		if f := reflect.ValueOf(*p.Policy).FieldByName("Digest"); f.IsValid() && f.Kind() == reflect.String {
			p.Digest = f.String()
		}
	}
	files, _ := filepath.Glob(filepath.Join(filepath.Dir(policy.File), "policy.d", "*.toml"))
	for _, f := range append(files, policy.File) {
		if info, err := os.Stat(f); err == nil && info.ModTime().After(p.Changed) {
			p.Changed = info.ModTime()
		}
	}
	return p
}

// Stale reports whether the container was made under another policy than the
// one that holds now: by digest, or where that is not known, by whether a file
// was changed since.
func (p Policy) Stale(c *Container) bool {
	if c.Record == nil {
		return false
	}
	if p.Digest != "" && c.PolicyDigest != "" {
		return p.Digest != c.PolicyDigest
	}
	created, err := time.Parse(time.RFC3339Nano, c.Record.Created)
	return err == nil && p.Changed.After(created)
}

// SeccompLevel is the level of a profile, "" for one that the policy lacks.
func (p Policy) SeccompLevel(profile string) string {
	if p.Err != nil || p.Profiles[profile] == nil {
		return ""
	}
	return p.Profiles[profile].Seccomp
}
