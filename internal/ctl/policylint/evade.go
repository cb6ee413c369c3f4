// SPDX-License-Identifier: Apache-2.0

package policylint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/workload"
)

// evasion warns of a rule that whoever starts a container can choose, and that
// keeps a stricter one behind it from the container. Rules that loosen need
// claims = true for that, which has a warning of its own; one that tightens, but
// less, needs nothing.
func (c *checker) evasion(later []policy.Rule) {
	r := c.rule
	if r.Mode != policy.ModeEnforce || r.Expired(c.now) || r.Loosens(c.policy) || never(r) != "" {
		return
	}
	mine := c.policy.Profiles[r.Profile]
	warn := func(behind string, stricter []string) {
		c.warn("evades", "it goes by %s, which whoever starts a container chooses, and comes before %s, which is stricter (%s): who claims it is rid of that; put it behind", claims(r), behind, strings.Join(stricter, ", "))
	}
	for i := range later {
		l := &later[i]
		if l.Expired(c.now) || !chosen(r, l) {
			continue
		}
		if l.Mode == policy.ModeRefuse {
			warn(fmt.Sprintf("rule %s (%s, line %d)", l.Name, l.File, l.Line), []string{"it refuses"})
			return
		}
		if keys := laxer(mine, c.policy.Profiles[l.Profile]); l.Mode == policy.ModeEnforce && len(keys) > 0 {
			warn(fmt.Sprintf("rule %s (%s, line %d)", l.Name, l.File, l.Line), keys)
			return
		}
		if everything(l) && l.Expires.IsZero() {
			return // none behind it decides
		}
	}
	everybody := &policy.Rule{Profile: policy.ProfileDefault, Mode: policy.ModeEnforce}
	if keys := laxer(mine, c.policy.Profile()); chosen(r, everybody) && len(keys) > 0 {
		warn("what holds for those that no rule is for", keys)
	}
}

// chosen reports whether a container that the later rule is for, without having
// any choice, can be given to the earlier one by whoever starts it.
func chosen(earlier, later *policy.Rule) bool {
	if len(later.Match.Annotation)+len(later.Match.Label) > 0 {
		return false // that one is anybody's choice, too
	}
	have := engines(later)
	return overlap(&earlier.Match, &later.Match) && slices.ContainsFunc(engines(earlier), func(e string) bool {
		return slices.Contains(have, e) && claiming(earlier, e) && !claiming(later, e)
	})
}

// claiming reports whether a rule goes by what anybody can say under an engine.
// Labels are told by Docker alone; under the others a rule with one matches
// nothing.
func claiming(r *policy.Rule, engine string) bool {
	if len(r.Match.Label) > 0 {
		return engine == workload.Docker
	}
	return len(r.Match.Annotation) > 0 || claimed(engine) && named(r, engine)
}

// claims says by what of it a rule can be claimed.
func claims(r *policy.Rule) string {
	m := &r.Match
	switch {
	case len(m.Annotation) > 0:
		return "annotation " + m.Annotation[0].Key
	case len(m.Label) > 0:
		return "label " + m.Label[0].Key
	}
	return "names that Podman, CRI-O and containerd pass on"
}

// overlap reports whether one container can match both, annotations and labels
// aside. Images count as others where no pattern of one can be a pattern of the
// other, although an image can be written in more than one way.
func overlap(a, b *policy.Match) bool {
	if a.Sandbox != nil && b.Sandbox != nil && *a.Sandbox != *b.Sandbox {
		return false
	}
	for _, k := range [...][2][]string{{a.Namespace, b.Namespace}, {a.Pod, b.Pod}, {a.Container, b.Container}, {a.Image, b.Image}} {
		if len(k[0]) > 0 && len(k[1]) > 0 && !slices.ContainsFunc(k[0], func(x string) bool {
			return slices.ContainsFunc(k[1], func(y string) bool { return meet(x, y) })
		}) {
			return false
		}
	}
	return true
}

// laxer returns the keys in which a profile that loosens nothing is less strict
// than another one.
func laxer(p, than *policy.Profile) []string {
	var keys []string
	add := func(key string, is bool) {
		if is {
			keys = append(keys, key)
		}
	}
	add("images", len(than.Images) > 0 && (len(p.Images) == 0 || !allCovered(than.Images, p.Images)))
	add("credentials", than.Credentials == "refuse" && p.Credentials != "refuse")
	// engine and strict each refuse what the other one need not.
	add("seccomp", (than.Seccomp == "strict" || than.Seccomp == "engine") && p.Seccomp != than.Seccomp)
	add("tmpfs_size", p.TmpfsSize > than.TmpfsSize)
	add("host_binds", than.HostBinds == "read-only" && p.HostBinds != "read-only")
	add("task_credentials", than.TaskCredentials == "block" && p.TaskCredentials != "block")
	add("pids_limit", p.PidsLimit > than.PidsLimit)
	return keys
}
