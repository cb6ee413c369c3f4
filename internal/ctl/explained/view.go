// SPDX-License-Identifier: Apache-2.0

package explained

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
	"github.com/runclad/runclad/runtime"
)

// View is one container.
type View struct {
	// Title says which of several it is, "" for the only one.
	Title    string   `json:"title,omitempty"`
	ID       string   `json:"container,omitempty"`
	Workload Workload `json:"workload"`
	// At is when it happened; nil for what has not.
	At *time.Time `json:"at,omitempty"`
	// Verdict is hardened, audited, exempted, refused, or failed.
	Verdict string `json:"verdict"`
	Rule    string `json:"rule,omitempty"`
	// RuleAt is the file and line of the rule.
	RuleAt     string    `json:"rule_at,omitempty"`
	Mode       string    `json:"mode,omitempty"`
	Profile    string    `json:"profile,omitempty"`
	Loosenings []string  `json:"loosenings,omitempty"`
	Metadata   string    `json:"metadata,omitempty"`
	Rules      []Trial   `json:"rules"`
	Changes    []Change  `json:"changes"`
	Refusals   []Refusal `json:"refusals,omitempty"`
	// Reason is what stands against it and is no control's refusal.
	Reason string   `json:"reason,omitempty"`
	Notes  []string `json:"notes,omitempty"`
	// Unknown says what the answer could not take into account.
	Unknown []string `json:"unknown,omitempty"`

	before, after *spec.Value
}

// Workload is who the container is.
type Workload struct {
	Engine    string `json:"engine"`
	Namespace string `json:"namespace,omitempty"`
	Pod       string `json:"pod,omitempty"`
	Name      string `json:"name,omitempty"`
	Image     string `json:"image,omitempty"`
	Sandbox   bool   `json:"sandbox,omitempty"`
}

// Trial is how one rule fared.
type Trial struct {
	Rule    string `json:"rule"`
	At      string `json:"at"`
	Matched bool   `json:"matched"`
	Why     string `json:"why"`
}

// Change is one change; null stands for absent.
type Change struct {
	Control   string          `json:"control"`
	Standards string          `json:"standards,omitempty"`
	Path      string          `json:"path"`
	From      json.RawMessage `json:"from"`
	To        json.RawMessage `json:"to"`
}

// Refusal is one control that stands against the container.
type Refusal struct {
	Control   string `json:"control"`
	Standards string `json:"standards,omitempty"`
	Reason    string `json:"reason"`
	// Allow is the line that would let it pass, under [profile.Profile].
	Allow   string `json:"allow,omitempty"`
	Profile string `json:"profile,omitempty"`
}

// Of shows what create would do.
func Of(id string, e *runtime.Explanation) *View {
	v := &View{
		ID: id, Workload: workloadOf(&e.Workload), Verdict: e.Verdict, Mode: e.Decision.Mode, Metadata: e.Block,
		Rules: Trials(e.Trials), Changes: []Change{}, Notes: e.Notes, before: e.Before, after: e.After,
	}
	if r := e.Decision.Rule; r != nil {
		v.Rule, v.RuleAt = r.Name, at(r)
	}
	if e.Profile != nil {
		v.Profile, v.Loosenings = e.Profile.Name, e.Profile.Warnings()
	}
	for _, c := range e.Changes {
		v.Changes = append(v.Changes, Change{c.Step, control.Standards(c.Step), c.Path, json.RawMessage(c.From.String()), json.RawMessage(c.To.String())})
	}
	for _, r := range e.Refusals {
		profile := r.Profile
		if profile == "" && r.Allow != "" {
			profile = policy.ProfileDefault
		}
		v.Refusals = append(v.Refusals, Refusal{r.Control.ID, r.Control.Standards, r.Reason, r.Allow, profile})
	}
	if e.Err != nil {
		v.Reason = e.Err.Error()
	}
	return v
}

// Logged shows what a line of the audit log says of a container.
func Logged(e *auditlog.Entry) *View {
	v := &View{
		ID: e.Container, Workload: Workload{e.Engine, e.Namespace, e.Pod, e.Name, e.Image, e.Sandbox}, At: &e.Time,
		Verdict: e.Decision, Rule: e.Rule, Profile: e.Profile, Loosenings: e.Exemptions, Metadata: e.Metadata,
		Rules: []Trial{}, Changes: []Change{}, Reason: e.Reason, Notes: e.Notes,
	}
	for _, c := range e.Changes {
		v.Changes = append(v.Changes, Change{c.Control, c.Standards, c.Path, null(c.From), null(c.To)})
	}
	return v
}

func null(m json.RawMessage) json.RawMessage {
	if m == nil {
		return json.RawMessage("null")
	}
	return m
}

// Trials shows how rules fared.
func Trials(trials []policy.Trial) []Trial {
	out := make([]Trial, len(trials))
	decided := false
	for i, t := range trials {
		out[i] = Trial{Rule: t.Rule.Name, At: at(t.Rule), Matched: t.Matched && !decided, Why: t.Why}
		switch {
		case t.Matched && decided:
			out[i].Why = "it matches too, and comes after the one that decides"
		case t.Matched:
			out[i].Why, decided = "it is the first that matches", true
		}
	}
	return out
}

func at(r *policy.Rule) string { return fmt.Sprintf("%s, line %d", r.File, r.Line) }

func workloadOf(w *workload.Workload) Workload {
	return Workload{w.Engine, w.Namespace, w.Pod, w.Name, w.Image, w.Sandbox}
}
