// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/runclad/runclad/internal/workload"
	"github.com/runclad/runclad/profiles"
)

// checkRules refuses rules that could not be meant.
func (p *Policy) checkRules() error {
	at := map[string]string{}
	for i := range p.Rules {
		r := &p.Rules[i]
		if err := p.checkRule(r); err != nil {
			return fmt.Errorf("%s: line %d: rule %q: %w", r.File, r.Line, r.Name, err)
		}
		here := fmt.Sprintf("%s: line %d", r.File, r.Line)
		if other, twice := at[r.Name]; twice {
			return fmt.Errorf("%s: rule %q: %s has one of that name", here, r.Name, other)
		}
		at[r.Name] = here
	}
	return nil
}

func (p *Policy) checkRule(r *Rule) error {
	if r.Name == "" {
		return errors.New("name: a rule needs one, by which audit lines and refusals speak of it")
	}
	if err := oneOf("mode", r.Mode, ModeEnforce, ModeAudit, ModeRefuse); err != nil {
		return err
	}
	switch _, known := p.Profiles[r.Profile]; {
	case r.Mode == ModeRefuse && r.Profile != "":
		return errors.New(`profile: a rule with mode = "refuse" has none`)
	case r.Mode != ModeRefuse && !known:
		return fmt.Errorf("profile: there is no profile %q; there are %s", r.Profile, strings.Join(slices.Sorted(maps.Keys(p.Profiles)), ", "))
	}
	for _, e := range r.Match.Engine {
		if !slices.ContainsFunc(workload.Engines[:], func(known string) bool { return Glob(e, known) }) {
			return fmt.Errorf("match.engine: %q is none of %s", e, strings.Join(workload.Engines[:], ", "))
		}
	}
	for _, key := range r.Requestable {
		if err := oneOf("requestable", key, Requestable[:]...); err != nil {
			return err
		}
	}
	if len(r.Match.Annotation)+len(r.Match.Label) > 0 && !r.Claims && r.Loosens(p) {
		return errors.New("it loosens and goes by an annotation or label, which whoever starts the container chooses; claims = true accepts that")
	}
	return nil
}

func (p *Profile) check() error {
	for _, lists := range [...]struct {
		key   string
		paths []string
	}{{"host_paths", p.HostPaths}, {"devices", p.Devices}, {"hooks", p.Hooks}, {"writable", p.Writable}, {"exec", p.Exec}} {
		for _, s := range lists.paths {
			if lists.key == "devices" && s == anyName {
				continue
			}
			if !path.IsAbs(s) || path.Clean(s) != s {
				return fmt.Errorf("%s: %q must be an absolute path without . or .. and without a slash at its end", lists.key, s)
			}
		}
	}
	for i, c := range p.Capabilities {
		if strings.EqualFold(c, allCapabilities) {
			p.Capabilities[i] = allCapabilities
			continue
		}
		name := "CAP_" + strings.TrimPrefix(strings.ToUpper(c), "CAP_")
		if profiles.Capability(name) < 0 {
			return fmt.Errorf("capabilities: %q is no capability (capabilities(7))", c)
		}
		p.Capabilities[i] = name
	}
	if p.UIDRange[0] <= 10000 || p.UIDRange[1] <= p.UIDRange[0] || p.UIDRange[1] >= 1<<32-2 {
		return fmt.Errorf("uid_range: [%d, %d] must lie above 10000, first before last", p.UIDRange[0], p.UIDRange[1])
	}
	if p.TmpfsSize < 4096 {
		return fmt.Errorf("tmpfs_size: %d bytes is less than a page", p.TmpfsSize)
	}
	if p.PidsLimit < 1 {
		return fmt.Errorf("pids_limit: %d must be at least 1", p.PidsLimit)
	}
	return errors.Join(
		oneOf("credentials", p.Credentials, "warn", "refuse", "ignore"),
		oneOf("identity", p.Identity, IdentityRandom, IdentityImage, IdentityUserns),
		oneOf("volumes", p.Volumes, "map", "keep"),
		oneOf("host_binds", p.HostBinds, "as-asked", "read-only"),
		oneOf("metadata", p.Metadata, "block", "allow"),
		oneOf("task_credentials", p.TaskCredentials, "block", "allow"),
		oneOf("seccomp", p.Seccomp, seccompValues()...),
	)
}

func oneOf(key, have string, want ...string) error {
	if slices.Contains(want, have) {
		return nil
	}
	return fmt.Errorf("%s: %q is none of %s", key, have, strings.Join(want, ", "))
}
