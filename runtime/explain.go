// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"fmt"
	"path"
	"time"

	"github.com/runclad/runclad/internal/argv"
	"github.com/runclad/runclad/internal/audit"
	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

// Query is the container that Explain is asked about.
type Query struct {
	// Root is the runtime's state root, "" for its default.
	Root, Bundle, ID string
	// Config stands in the place of the bundle's config.json, nil for that.
	Config []byte
	// Workload says who the container is; nil leaves it to create's own way.
	Workload *workload.Workload
	// Policy is what is asked, nil for the node's as its files are now.
	Policy *policy.Policy
	// Now is the time at which rules may have expired.
	Now time.Time
}

// Explanation is what create would do with a container.
type Explanation struct {
	Workload workload.Workload
	Policy   *policy.Policy
	// Trials says of each rule whether it matches, and why not.
	Trials   []policy.Trial
	Decision policy.Decision
	// Profile is the decision's as the workload's own requests change it, nil
	// for a workload that a rule refuses.
	Profile *policy.Profile
	// Verdict is one of the decisions of package audit.
	Verdict string
	// Changes are those that create would make or, in audit mode, would have
	// made; all those up to the end also where something stands against it.
	Changes []spec.Change
	Notes   []string
	// Refusals are the controls that stand against it; Err is what went wrong
	// else. In audit mode neither stops the container.
	Refusals control.Refusals
	Err      error
	// Block is how the metadata block would be set: one of record's Block…
	// constants, "" if it did not come to that.
	Block string
	// Before and After are the document; After is nil where no document comes
	// of it.
	Before, After *spec.Value
}

// Explain walks the line of create with nothing changed, claimed or mounted. The
// user ID that it shows is the first of the profile's range, in the place of the
// one that create would claim. The error is that of a question that makes no
// sense: a policy or a document that cannot be read.
func Explain(q Query) (*Explanation, error) {
	s := &shim{
		began: q.Now, policy: q.Policy, store: record.Named(record.DefaultDir), dry: true, preview: true,
		call: argv.Invocation{Verb: argv.Create, Command: "create", Root: q.Root, Bundle: q.Bundle, ID: q.ID},
	}
	var err error
	if s.target, err = locate(); err != nil {
		s.target = target{flavor: argv.Runc}
		s.note("%v; runc is assumed", err)
	}
	if s.policy == nil {
		if s.policy, err = policy.System.Read(); err != nil {
			return nil, err
		}
	}
	if err := s.loadFor(q); err != nil {
		return nil, err
	}
	e := &Explanation{Policy: s.policy, Before: s.doc.Root().Clone()}
	if q.Workload != nil {
		s.workload = *q.Workload
	} else if err := s.identify(); err != nil {
		return nil, err
	}
	e.Workload = s.workload
	e.Trials = s.policy.Trials(&s.workload, s.doc.Get("annotations"), s.began)
	e.conclude(s, s.rehearse())
	return e, nil
}

// loadFor reads the document that the query is about.
func (s *shim) loadFor(q Query) (err error) {
	if q.Config == nil {
		return s.load()
	}
	if s.doc, err = spec.ParseSpec(q.Config); err != nil {
		return fmt.Errorf("%s: %w", path.Join(q.Bundle, "config.json"), err)
	}
	return nil
}

// rehearse walks the line as far as the profile has it.
func (s *shim) rehearse() error {
	if err := s.consult(); err != nil || s.profile.HandOff {
		return err
	}
	return s.walk(s.admit, s.decide, s.stage, s.apply)
}

// conclude takes over how far the line came, and what ended it.
func (e *Explanation) conclude(s *shim, err error) {
	e.Decision, e.Profile, e.Changes = s.decision, s.profile, s.doc.Changes()
	e.Notes = append(s.notes, s.doc.Warnings()...)
	if e.Refusals = refusalsOf(err); e.Refusals == nil {
		e.Err = err
	}
	switch {
	case s.profile != nil && s.decision.Mode == policy.ModeAudit:
		e.Verdict, e.Block = audit.Audited, record.BlockAllowed
	case e.Refusals != nil:
		e.Verdict = audit.Refused
	case err != nil:
		e.Verdict = audit.Failed
	case s.profile.HandOff:
		e.Verdict, e.Block = audit.Exempted, record.BlockAllowed
	default:
		e.Verdict = audit.Hardened
	}
	if s.record != nil && e.Block == "" {
		e.Block = s.record.Block
	}
	if err == nil {
		e.After = s.doc.Root()
	}
}
