// SPDX-License-Identifier: Apache-2.0

package policylint

import (
	"slices"

	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/workload"
)

// engines returns those that a rule can be for.
func engines(r *policy.Rule) []string {
	var out []string
	for _, e := range workload.Engines {
		if len(r.Match.Engine) == 0 || slices.ContainsFunc(r.Match.Engine, func(p string) bool { return policy.Glob(p, e) }) {
			out = append(out, e)
		}
	}
	return out
}

// claimed are the engines under which names are what whoever starts a container
// says (workload.Workload.Claimed).
func claimed(engine string) bool {
	switch engine {
	case workload.Podman, workload.CRIO, workload.Containerd:
		return true
	}
	return false
}

// named reports whether a rule goes by a name that is a claim under such an
// engine. containerd's own namespace is none.
func named(r *policy.Rule, engine string) bool {
	m := &r.Match
	return len(m.Pod) > 0 || len(m.Container) > 0 || len(m.Image) > 0 || len(m.Namespace) > 0 && engine != workload.Containerd
}

// hides reports whether an earlier rule matches all that a later one does, for
// as long as the later one counts, so that the later one never decides.
func hides(p *policy.Policy, earlier, later *policy.Rule) bool {
	if !earlier.Expires.IsZero() && (later.Expires.IsZero() || later.Expires.After(earlier.Expires)) {
		return false
	}
	have := engines(earlier)
	for _, e := range engines(later) {
		if !slices.Contains(have, e) {
			return false
		}
		if claimed(e) && named(earlier, e) && !earlier.Claims && earlier.Loosens(p) {
			return false // it is passed over there
		}
	}
	a, b := &earlier.Match, &later.Match
	if a.Sandbox != nil && (b.Sandbox == nil || *a.Sandbox != *b.Sandbox) {
		return false
	}
	return allCovered(a.Namespace, b.Namespace) && allCovered(a.Pod, b.Pod) && allCovered(a.Container, b.Container) &&
		imagesCovered(a.Image, b.Image) && pairsCovered(a.Annotation, b.Annotation) && pairsCovered(a.Label, b.Label)
}

// imagesCovered differs for * alone: an image that the engine does not tell
// matches no pattern.
func imagesCovered(wide, narrow []string) bool {
	return len(wide) == 0 || len(narrow) > 0 && allCovered(wide, narrow)
}

// pairsCovered: a key that is absent matches no pattern either.
func pairsCovered(wide, narrow []policy.Pair) bool {
	for _, w := range wide {
		i := slices.IndexFunc(narrow, func(n policy.Pair) bool { return n.Key == w.Key })
		if i < 0 || !allCovered(w.Values, narrow[i].Values) {
			return false
		}
	}
	return true
}

// never returns why a rule can match nothing, "" if it can.
func never(r *policy.Rule) string {
	m := &r.Match
	sandbox := m.Sandbox != nil && *m.Sandbox
	switch {
	case sandbox && !slices.Contains(engines(r), workload.CRI):
		return "it is for pause containers, which are told from others under engine cri alone"
	case sandbox && len(m.Container) > 0 && !slices.ContainsFunc(m.Container, func(p string) bool { return policy.Glob(p, "") }):
		return "it is for pause containers, which have no container name"
	case len(m.Label) > 0 && !slices.Contains(engines(r), workload.Docker):
		return "it goes by a label, and only Docker tells the labels of containers"
	}
	return ""
}
