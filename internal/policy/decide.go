// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

// Decision is what the policy says of one workload.
type Decision struct {
	// Rule is the one that matched, nil if none did.
	Rule    *Rule
	Profile *Profile
	Mode    string
	// Notes name the rules that would have matched and do not any more, and those
	// that were passed over because anybody could have claimed to be meant.
	Notes []string
}

// Trial is how one rule fared.
type Trial struct {
	Rule    *Rule
	Matched bool
	// Why it did not match, in a clause.
	Why string
}

// Decide returns the decision about a workload: the first rule that matches.
// annotations are the spec's.
func (p *Policy) Decide(w *workload.Workload, annotations *spec.Value, now time.Time) Decision {
	d := Decision{Profile: p.Profiles[ProfileDefault], Mode: ModeEnforce}
	s := subject{Workload: w, annotations: annotations}
	for i := range p.Rules {
		r := &p.Rules[i]
		switch miss := r.miss(&s); {
		case miss != "":
		case r.Expired(now):
			d.Notes = append(d.Notes, r.expiry())
		case p.unbelieved(r, w):
			d.Notes = append(d.Notes, fmt.Sprintf("rule %s was passed over: %s", r.Name, unbelieved))
		default:
			d.Rule, d.Mode = r, r.Mode
			if r.Mode != ModeRefuse {
				d.Profile = p.Profiles[r.Profile]
			}
			return d
		}
	}
	return d
}

// Trials returns how each rule fares with a workload, those after the first
// match too.
func (p *Policy) Trials(w *workload.Workload, annotations *spec.Value, now time.Time) []Trial {
	s := subject{Workload: w, annotations: annotations}
	var out []Trial
	for i := range p.Rules {
		t := Trial{Rule: &p.Rules[i]}
		switch miss := t.Rule.miss(&s); {
		case miss != "":
			t.Why = s.explain(t.Rule, miss)
		case t.Rule.Expired(now):
			t.Why = t.Rule.expiry()
		case p.unbelieved(t.Rule, w):
			t.Why = unbelieved
		default:
			t.Matched = true
		}
		out = append(out, t)
	}
	return out
}

const unbelieved = "it loosens and goes by names that this engine lets whoever starts the container choose; claims = true in the rule would accept them"

// unbelieved reports whether a rule that matches must not count, since the
// names it goes by are claims.
func (p *Policy) unbelieved(r *Rule, w *workload.Workload) bool {
	m := &r.Match
	named := len(m.Pod) > 0 || len(m.Container) > 0 || len(m.Image) > 0 || len(m.Namespace) > 0 && w.Engine != workload.Containerd
	return w.Claimed && named && !r.Claims && r.Loosens(p)
}

func (r *Rule) expiry() string {
	return fmt.Sprintf("rule %s expired at %s and no longer applies", r.Name, r.Expires.UTC().Format(time.RFC3339))
}

// subject is what rules are compared with.
type subject struct {
	*workload.Workload
	annotations *spec.Value
	images      []string
}

func (s *subject) imageNames() []string {
	if s.images == nil {
		s.images = s.ImageNames()
	}
	return s.images
}

// miss returns the key by which the rule does not match, "" if it matches.
func (r *Rule) miss(s *subject) string {
	m := &r.Match
	for _, k := range [...]struct {
		key      string
		patterns []string
		have     string
	}{
		{"engine", m.Engine, s.Engine},
		{"namespace", m.Namespace, s.Namespace},
		{"pod", m.Pod, s.Pod},
		{"container", m.Container, s.Name},
	} {
		if len(k.patterns) > 0 && !anyGlob(k.patterns, k.have) {
			return k.key
		}
	}
	if m.Sandbox != nil && *m.Sandbox != s.Sandbox {
		return "sandbox"
	}
	if len(m.Image) > 0 && !anyGlob(m.Image, s.imageNames()...) {
		return "image"
	}
	for _, p := range m.Annotation {
		if v := s.annotations.Get(p.Key); v.Kind() != spec.String || !anyGlob(p.Values, v.Str()) {
			return "annotation " + p.Key
		}
	}
	for _, p := range m.Label {
		if v := s.Labels.Get(p.Key); v.Kind() != spec.String || !anyGlob(p.Values, v.Str()) {
			return "label " + p.Key
		}
	}
	return ""
}

// explain says in a clause why a rule does not match by a key.
func (s *subject) explain(r *Rule, key string) string {
	m := &r.Match
	var have string
	var want []string
	switch kind, name, _ := strings.Cut(key, " "); kind {
	case "engine":
		have, want = s.Engine, m.Engine
	case "namespace":
		have, want = s.Namespace, m.Namespace
	case "pod":
		have, want = s.Pod, m.Pod
	case "container":
		have, want = s.Name, m.Container
	case "image":
		have, want = strings.Join(s.imageNames(), " "), m.Image
	case "sandbox":
		have, want = strconv.FormatBool(s.Sandbox), []string{strconv.FormatBool(*m.Sandbox)}
	case "annotation":
		have, want = s.annotations.Get(name).Str(), valuesOf(m.Annotation, name)
	case "label":
		have, want = s.Labels.Get(name).Str(), valuesOf(m.Label, name)
	}
	if have == "" {
		return fmt.Sprintf("%s is not known, and the rule wants %s", key, strings.Join(want, " or "))
	}
	return fmt.Sprintf("%s is %s, and the rule wants %s", key, have, strings.Join(want, " or "))
}

func valuesOf(pairs []Pair, key string) []string {
	if i := slices.IndexFunc(pairs, func(p Pair) bool { return p.Key == key }); i >= 0 {
		return pairs[i].Values
	}
	return nil
}

// AllowsImage reports whether the profile lets an image run, by any of the ways
// in which it can be written.
func (p *Profile) AllowsImage(names []string) bool {
	return len(p.Images) == 0 || anyGlob(p.Images, names...)
}
