// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/runclad/runclad/internal/ctl/node"
)

// Evidence is what is judged.
type Evidence struct {
	Node     NodeFacts
	Since    time.Time // the part of the audit log that was read
	Until    time.Time
	Subjects []*Subject
	// NotRunning are containers that could not be looked at, with the reason.
	NotRunning []NotJudged
	Log        LogSummary
	Doubts     []string
}

// NodeFacts name the node.
type NodeFacts struct {
	Name    string   `json:"name"`
	Kernel  string   `json:"kernel"`
	Version string   `json:"version"` // of runclad
	Policy  string   `json:"policy"`  // the file, "" for the built-in defaults
	Err     string   `json:"policyError,omitempty"`
	Loosens []string `json:"loosens,omitempty"` // the policy's own sentences
}

// NotJudged is a container without a process to look at.
type NotJudged struct {
	ID     string `json:"id"`
	Title  string `json:"title,omitempty"`
	Engine string `json:"engine"`
	State  string `json:"state"`
	Reason string `json:"reason"`
}

// Report is the judgement.
type Report struct {
	Node          NodeFacts       `json:"node"`
	Time          time.Time       `json:"time"`
	Since         time.Time       `json:"since"`
	Containers    []Container     `json:"containers"`
	NotJudged     []NotJudged     `json:"notJudged"`
	Clauses       []ClauseSum     `json:"clauses"`
	Standards     []StandardSum   `json:"standards"`
	Log           LogSummary      `json:"log"`
	Bypassing     int             `json:"bypassing"`
	Disagreeing   int             `json:"disagreeing"`
	Exempted      int             `json:"exempted"`
	Doubts        []string        `json:"doubts,omitempty"`
	VerdictCounts map[Verdict]int `json:"verdicts"`
}

// Container is one container, judged.
type Container struct {
	ID            string    `json:"id"`
	ShortID       string    `json:"-"`
	Title         string    `json:"title,omitempty"`
	Engine        string    `json:"engine"`
	Image         string    `json:"image,omitempty"`
	PID           int       `json:"pid"`
	UID           *uint32   `json:"uid,omitempty"`
	Processes     int       `json:"processes"`
	Profile       string    `json:"profile,omitempty"`
	Mode          string    `json:"mode,omitempty"`
	Rule          string    `json:"rule,omitempty"`
	Exemptions    []string  `json:"exemptions,omitempty"`
	Bypasses      bool      `json:"bypasses"`
	Disagreements []string  `json:"disagreements,omitempty"`
	Findings      []Finding `json:"findings"`
	Doubts        []string  `json:"doubts,omitempty"`

	Counts map[Verdict]int `json:"verdicts"`
}

// Finding is the answer to one clause for one container.
type Finding struct {
	Standard string   `json:"standard"`
	Clause   string   `json:"clause"`
	Title    string   `json:"title"`
	Controls []string `json:"controls,omitempty"`
	Answer
}

// ClauseSum is one clause over all containers.
type ClauseSum struct {
	Standard string          `json:"standard"`
	Clause   string          `json:"clause"`
	Title    string          `json:"title"`
	Controls []string        `json:"controls,omitempty"`
	Verdict  Verdict         `json:"verdict"` // the worst of all
	Counts   map[Verdict]int `json:"verdicts"`
	// Failing names the containers that do not meet it.
	Failing []string `json:"failing,omitempty"`
}

// StandardSum is one standard over all clauses and containers.
type StandardSum struct {
	Standard
	Counts map[Verdict]int `json:"verdicts"`
	// Full is the number of containers of which every clause is met or does not
	// apply.
	Full int `json:"containersInFull"`
}

// Judge holds the evidence against the clauses.
func Judge(e *Evidence) *Report {
	r := &Report{
		Node: e.Node, Time: e.Until, Since: e.Since, NotJudged: e.NotRunning, Log: e.Log, Doubts: e.Doubts,
		Containers: []Container{}, VerdictCounts: map[Verdict]int{},
	}
	for i := range Clauses {
		c := &Clauses[i]
		r.Clauses = append(r.Clauses, ClauseSum{Standard: c.Standard, Clause: c.ID, Title: c.Title, Controls: c.Controls(), Counts: map[Verdict]int{}})
	}
	for _, s := range Standards {
		r.Standards = append(r.Standards, StandardSum{Standard: s, Counts: map[Verdict]int{}})
	}
	for _, s := range e.Subjects {
		r.add(s)
	}
	for i := range r.Clauses {
		c := &r.Clauses[i]
		c.Verdict = NotApplicable
		for _, v := range [...]Verdict{NotMet, CannotTell, Met} {
			if c.Counts[v] > 0 {
				c.Verdict = v
				break
			}
		}
	}
	// Those that want looking at come first.
	slices.SortStableFunc(r.Containers, func(a, b Container) int {
		return cmp.Or(
			cmp.Compare(len(b.Disagreements), len(a.Disagreements)),
			cmp.Compare(b.Counts[NotMet], a.Counts[NotMet]),
			cmp.Compare(b.Counts[CannotTell], a.Counts[CannotTell]),
		)
	})
	return r
}

func (r *Report) add(s *Subject) {
	c := s.Container
	out := Container{
		ID: c.ID, ShortID: c.ShortID(), Title: c.Title(), Engine: c.Engine, Image: c.Image, PID: c.Process.PID, Processes: len(s.Live.Processes),
		Profile: c.Profile, Mode: c.Mode, Rule: c.Rule, Exemptions: c.Exemptions, Bypasses: c.Bypasses(),
		Disagreements: disagreements(s), Doubts: c.Doubts, Counts: map[Verdict]int{},
	}
	if s.doubt(node.PartProcesses) == nil {
		out.UID = &s.Live.Processes[0].UID[1]
	}
	full := map[string]bool{}
	for i := range Clauses {
		clause, sum := &Clauses[i], &r.Clauses[i]
		answers := make([]Answer, len(clause.facts))
		for j, f := range clause.facts {
			answers[j] = f(s)
		}
		f := Finding{Standard: clause.Standard, Clause: clause.ID, Title: clause.Title, Controls: sum.Controls, Answer: all(answers)}
		out.Findings = append(out.Findings, f)
		out.Counts[f.Verdict]++
		sum.Counts[f.Verdict]++
		r.VerdictCounts[f.Verdict]++
		if f.Verdict == NotMet {
			sum.Failing = append(sum.Failing, out.Label())
		}
		if _, seen := full[clause.Standard]; !seen {
			full[clause.Standard] = true
		}
		if f.Verdict == NotMet || f.Verdict == CannotTell {
			full[clause.Standard] = false
		}
		for j := range r.Standards {
			if r.Standards[j].ID == clause.Standard {
				r.Standards[j].Counts[f.Verdict]++
			}
		}
	}
	for j := range r.Standards {
		if full[r.Standards[j].ID] {
			r.Standards[j].Full++
		}
	}
	if out.Bypasses {
		r.Bypassing++
	}
	if len(out.Disagreements) > 0 {
		r.Disagreeing++
	}
	if len(out.Exemptions) > 0 {
		r.Exempted++
	}
	r.Containers = append(r.Containers, out)
}

// Label names a container in a list: by its title, or its ID.
func (c *Container) Label() string {
	if c.Title == "" {
		return c.ShortID
	}
	return c.Title
}
