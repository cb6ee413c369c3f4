// SPDX-License-Identifier: Apache-2.0

package policytest

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
	"github.com/runclad/runclad/runtime"
)

// Result is how a test went.
type Result struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Name string `json:"name"`
	// Failures say what differs, and why; none for a test that passed.
	Failures []string `json:"failures"`
}

// Run puts the tests to a policy.
func (f *File) Run(p *policy.Policy, now time.Time) ([]Result, error) {
	rootfs, err := os.MkdirTemp("", "policytest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(rootfs)
	out := make([]Result, len(f.Tests))
	for i := range f.Tests {
		t := &f.Tests[i]
		out[i] = Result{File: f.Name, Line: t.Line, Name: t.Name, Failures: []string{}}
		at := now
		if t.At != "" {
			if at, err = parseTime(t.At); err != nil {
				out[i].Failures = append(out[i].Failures, "at: "+err.Error())
				continue
			}
		}
		w := t.Workload.workload()
		e, err := runtime.Explain(runtime.Query{
			Root: "/run/runc", Bundle: rootfs, ID: "test", Config: t.Workload.config(rootfs), Workload: &w, Policy: p, Now: at,
		})
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %s: %w", f.Name, t.Line, t.Name, err)
		}
		out[i].Failures = append(out[i].Failures, t.compare(e)...)
	}
	return out, nil
}

func parseTime(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, s)
}

func (w *Workload) workload() workload.Workload {
	out := workload.Workload{
		Engine: w.Engine, Namespace: w.Namespace, Pod: w.Pod, Name: w.Container, Image: w.Image, ImageID: w.ImageID, Sandbox: w.Sandbox,
	}
	switch w.Engine {
	case workload.Podman, workload.CRIO, workload.Containerd:
		out.Claimed = true
	}
	if w.Engine == workload.Docker {
		out.Labels = texts(w.Label)
	}
	return out
}

func texts(m map[string]string) *spec.Value {
	var members []spec.Member
	for _, k := range slices.Sorted(maps.Keys(m)) {
		members = append(members, spec.M(k, spec.Text(m[k])))
	}
	return spec.Map(members...)
}

// config is a specification in which there is nothing to be refused.
func (w *Workload) config(rootfs string) []byte {
	var namespaces []*spec.Value
	for _, typ := range [...]string{"mount", "network", "uts", "pid", "ipc"} {
		namespaces = append(namespaces, spec.Map(spec.M("type", spec.Text(typ))))
	}
	return spec.Map(
		spec.M("ociVersion", spec.Text("1.0.2")),
		spec.M("root", spec.Map(spec.M("path", spec.Text(rootfs)))),
		spec.M("process", spec.Map(
			spec.M("args", spec.Texts("sh")), spec.M("cwd", spec.Text("/")), spec.M("env", spec.Texts(w.Env...)),
			spec.M("user", spec.Map(spec.M("uid", spec.Int(0)), spec.M("gid", spec.Int(0)))),
		)),
		spec.M("annotations", texts(w.Annotation)),
		spec.M("linux", spec.Map(spec.M("namespaces", spec.List(namespaces...)))),
	).Append(nil)
}

// compare says what is otherwise than expected.
func (t *Test) compare(e *runtime.Explanation) []string {
	var out []string
	differ := func(what string, want *string, have string) bool {
		if want == nil || *want == have {
			return false
		}
		out = append(out, fmt.Sprintf("%s is %q, want %q", what, have, *want))
		return true
	}
	rule, profile := "", ""
	if e.Decision.Rule != nil {
		rule = e.Decision.Rule.Name
	}
	if e.Profile != nil {
		profile = e.Profile.Name
	}
	if differ("rule", t.Expect.Rule, rule) {
		out = append(out, missed(*t.Expect.Rule, e)...)
	}
	differ("profile", t.Expect.Profile, profile)
	differ("mode", t.Expect.Mode, e.Decision.Mode)
	var refused, why []string
	for _, r := range e.Refusals {
		if !slices.Contains(refused, r.Control.ID) {
			refused = append(refused, r.Control.ID)
		}
		why = append(why, "  "+r.Error())
	}
	want := slices.Clone(t.Expect.Refused)
	slices.Sort(want)
	have := slices.Clone(refused)
	slices.Sort(have)
	if !slices.Equal(have, want) {
		out = append(out, fmt.Sprintf("refused by %s, want %s", list(have), list(want)))
		out = append(out, why...)
	}
	if e.Err != nil {
		out = append(out, e.Err.Error())
	}
	return out
}

// missed says why the expected rule does not match, or what came before it.
func missed(rule string, e *runtime.Explanation) []string {
	if rule == "" {
		return nil
	}
	for _, t := range e.Trials {
		switch {
		case t.Rule.Name != rule:
		case t.Matched:
			return []string{"  " + rule + " matches too, and comes later"}
		default:
			return []string{"  " + rule + " does not match: " + t.Why}
		}
	}
	return []string{"  there is no rule " + rule}
}

func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}
