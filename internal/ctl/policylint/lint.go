// SPDX-License-Identifier: Apache-2.0

package policylint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/workload"
)

// The levels of a finding.
const (
	// Warning: something does not do what it seems to, or gives more than it has
	// to.
	Warning = "warning"
	// Loosening names what the policy gives away on purpose.
	Loosening = "loosening"
)

// ExpiresSoon is the check of rules that are about to end.
const ExpiresSoon = "expires-soon"

// Finding is one thing that is to be known about a policy.
type Finding struct {
	Level string `json:"level"`
	// Check names the kind of finding.
	Check string `json:"check"`
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`
	// Rule or Profile is what it is about.
	Rule    string `json:"rule,omitempty"`
	Profile string `json:"profile,omitempty"`
	// For says in words who gets a loosening.
	For  string `json:"for,omitempty"`
	Text string `json:"text"`
}

// soon is how long before its end an exemption is warned of.
const soon = 7 * 24 * time.Hour

// Check returns what is to be known about a policy, in the order of its rules.
func Check(p *policy.Policy, now time.Time) []Finding {
	c := &checker{policy: p, now: now}
	for i := range p.Rules {
		c.rule = &p.Rules[i]
		c.reach(p.Rules[:i])
		c.evasion(p.Rules[i+1:])
		c.expiry()
		c.loosening()
		if c.rule.Mode == policy.ModeRefuse && everything(c.rule) {
			c.warn("refuses-all", "it refuses every container that no earlier rule is for")
		}
	}
	c.rule = nil
	c.profiles()
	return c.found
}

type checker struct {
	policy *policy.Policy
	now    time.Time
	rule   *policy.Rule
	found  []Finding
}

func (c *checker) add(level, check, format string, args ...any) {
	f := Finding{Level: level, Check: check, Text: fmt.Sprintf(format, args...)}
	if r := c.rule; r != nil {
		f.File, f.Line, f.Rule, f.Profile = r.File, r.Line, r.Name, r.Profile
	}
	c.found = append(c.found, f)
}

func (c *checker) loose(text string) {
	c.add(Loosening, "loosens", "%s", text)
	c.found[len(c.found)-1].For = Subject(c.rule)
}

func (c *checker) warn(check, format string, args ...any) { c.add(Warning, check, format, args...) }

func (c *checker) reach(earlier []policy.Rule) {
	if why := never(c.rule); why != "" {
		c.warn("unreachable", "it matches nothing: %s", why)
		return
	}
	for i := range earlier {
		if e := &earlier[i]; !e.Expired(c.now) && hides(c.policy, e, c.rule) {
			c.warn("unreachable", "it never decides: rule %s (%s, line %d) comes first and matches whatever it does", e.Name, e.File, e.Line)
			return
		}
	}
}

func (c *checker) expiry() {
	r := c.rule
	switch {
	case r.Expires.IsZero():
	case r.Expired(c.now):
		c.warn("expired", "it expired at %s and no longer applies: remove it", r.Expires.UTC().Format(time.RFC3339))
	case r.Expires.Sub(c.now) < soon:
		c.warn(ExpiresSoon, "it expires at %s", r.Expires.UTC().Format(time.RFC3339))
	}
}

// loosening names each loosening of a rule, and what makes it wider than it has
// to be.
func (c *checker) loosening() {
	r := c.rule
	if !r.Loosens(c.policy) || r.Expired(c.now) {
		return
	}
	profile := c.policy.Profiles[r.Profile]
	switch {
	case r.Mode == policy.ModeAudit:
		c.loose("mode: containers start as their engine asks, and what profile " + r.Profile + " would change is only written down")
	default:
		for _, w := range profile.Warnings() {
			c.loose(w)
		}
	}
	c.wide()
	if hostNamespaces(profile) && r.Mode == policy.ModeEnforce {
		c.sandbox()
	}
	if r.Claims {
		c.warn("claims", "claims = true: under Podman, CRI-O and containerd whoever starts a container can say that it is meant")
	}
	var missing []string
	for _, k := range [...]struct {
		key  string
		lack bool
	}{{"reason", r.Reason == ""}, {"owner", r.Owner == ""}, {"expires", r.Expires.IsZero()}} {
		if k.lack {
			missing = append(missing, k.key)
		}
	}
	if len(missing) > 0 {
		c.warn("unaccounted", "it loosens and has no %s", strings.Join(missing, ", no "))
	}
}

// wide warns of a rule that loosens for more than it names.
func (c *checker) wide() {
	r := c.rule
	if everything(r) {
		c.warn("too-wide", "it loosens and has no match: every container that no earlier rule is for gets it")
		return
	}
	beside := policy.Rule{Match: r.Match}
	beside.Match.Engine = nil
	if everything(&beside) {
		c.warn("too-wide", "it loosens and names an engine alone: every container of it that no earlier rule is for gets it")
	}
	for _, k := range [...]struct {
		key      string
		patterns []string
	}{{"namespace", r.Match.Namespace}, {"pod", r.Match.Pod}, {"container", r.Match.Container}, {"image", r.Match.Image}} {
		for _, p := range k.patterns {
			if strings.Trim(p, "*?") == "" && p != "" {
				c.warn("too-wide", "match.%s = %q matches every one: leave the key out, or name what is meant", k.key, p)
			}
		}
	}
	var tags []string
	for _, p := range r.Match.Image {
		if !strings.Contains(p, "sha256:") {
			tags = append(tags, p)
		}
	}
	if len(tags) > 0 {
		c.warn("image-by-name", "it loosens by the image's name (%s), and whoever pushes to that name gets it: a digest (NAME@sha256:…) cannot be moved", strings.Join(tags, ", "))
	}
}

// sandbox warns where a pod's containers get host namespaces, and the pause
// container that holds them does not.
func (c *checker) sandbox() {
	r := c.rule
	m := &r.Match
	if !slices.Contains(engines(r), workload.CRI) || m.Sandbox == nil && len(m.Container) == 0 && len(m.Image) == 0 {
		return
	}
	if m.Sandbox != nil && *m.Sandbox {
		return
	}
	for i := range c.policy.Rules {
		o := &c.policy.Rules[i]
		if o.Mode != policy.ModeEnforce || o.Expired(c.now) || !hostNamespaces(c.policy.Profiles[o.Profile]) || len(o.Match.Container) > 0 || len(o.Match.Image) > 0 {
			continue
		}
		if o.Match.Sandbox == nil || *o.Match.Sandbox {
			return // the pause container may be another rule's
		}
	}
	c.warn("sandbox", "it gives host namespaces to containers of pods, and not to the pause container, which is refused first: match the pod or the namespace, or add a rule with sandbox = true")
}

func hostNamespaces(p *policy.Profile) bool {
	return p.HandOff || p.HostNetwork || p.HostPID || p.HostIPC || p.HostUTS
}

// profiles looks at the profile of everybody else, and for those that nobody
// gets.
func (c *checker) profiles() {
	used := map[string]bool{policy.ProfileDefault: true}
	for i := range c.policy.Rules {
		used[c.policy.Rules[i].Profile] = true
	}
	catchAll := slices.ContainsFunc(c.policy.Rules, func(r policy.Rule) bool { return everything(&r) && r.Expires.IsZero() })
	if w := c.policy.Profile().Warnings(); len(w) > 0 && !catchAll {
		for _, s := range w {
			c.found = append(c.found, Finding{Level: Loosening, Check: "loosens", Profile: policy.ProfileDefault, For: "every container that no rule is for", Text: s})
		}
		c.found = append(c.found, Finding{Level: Warning, Check: "too-wide", Profile: policy.ProfileDefault, Text: "it loosens: a rule that names who needs it would keep the others as they were"})
	}
	for _, name := range slices.Sorted(maps.Keys(c.policy.Profiles)) {
		for _, pattern := range c.policy.Profiles[name].Images {
			if used[name] && covers(pattern, "sha256:*") {
				c.found = append(c.found, Finding{
					Level: Warning, Check: "images", Profile: name,
					Text: fmt.Sprintf("images: %q allows every image: each has a digest, which is one of the ways to write it", pattern),
				})
			}
		}
		if p := c.policy.Profiles[name]; !used[name] && p.Base != name {
			c.found = append(c.found, Finding{Level: Warning, Check: "unused", Profile: name, Text: "no rule names it"})
		}
	}
}

// everything reports whether a rule has no match.
func everything(r *policy.Rule) bool {
	m := &r.Match
	return len(m.Engine)+len(m.Namespace)+len(m.Pod)+len(m.Container)+len(m.Image)+len(m.Annotation)+len(m.Label) == 0 && m.Sandbox == nil
}

// Subject says in words whom a rule is for.
func Subject(r *policy.Rule) string {
	m := &r.Match
	what := "every container"
	switch {
	case m.Sandbox != nil && *m.Sandbox:
		what = "every pause container"
	case m.Sandbox != nil:
		what = "every container that is no pause container"
	}
	var of []string
	for _, k := range [...]struct {
		word     string
		patterns []string
	}{
		{"of engine", m.Engine}, {"of namespace", m.Namespace}, {"of pod", m.Pod}, {"named", m.Container}, {"of image", m.Image},
	} {
		if len(k.patterns) > 0 {
			of = append(of, k.word+" "+strings.Join(k.patterns, " or "))
		}
	}
	for _, k := range [...]struct {
		word  string
		pairs []policy.Pair
	}{{"with annotation", m.Annotation}, {"with label", m.Label}} {
		for _, p := range k.pairs {
			of = append(of, k.word+" "+p.Key+" = "+strings.Join(p.Values, " or "))
		}
	}
	return strings.TrimSpace(what + " " + strings.Join(of, " "))
}

// Count says how many findings have a level.
func Count(findings []Finding, level string) int {
	n := 0
	for _, f := range findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

// Where says what a finding is about.
func (f *Finding) Where() string {
	switch {
	case f.Rule != "":
		return fmt.Sprintf("%s:%d: rule %s", f.File, f.Line, f.Rule)
	case f.Profile != "":
		return "profile " + f.Profile
	}
	return "policy"
}
