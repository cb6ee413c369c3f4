// SPDX-License-Identifier: Apache-2.0

package explained

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

// ErrUnknown is wrapped by the error about a container of which there is neither
// a record nor a line in the audit log.
var ErrUnknown = errors.New("neither a record nor the audit log knows it")

// Find returns the newest line of the log about the creation of the container
// with that ID, a beginning of it, or that name; nil if there is none.
func Find(files []auditlog.File, name string) (*auditlog.Entry, error) {
	f := auditlog.Filter{Container: []string{name}}
	var found *auditlog.Entry
	err := auditlog.Each(files, func(l auditlog.Line) error {
		if l.Entry == nil || !l.Entry.Creates() || !f.Match(&l) {
			return nil
		}
		if found != nil && found.Container != l.Entry.Container && strings.HasPrefix(l.Entry.Container, name) && strings.HasPrefix(found.Container, name) {
			return fmt.Errorf("%q begins the IDs of more than one container: %s and %s", name, found.Container, l.Entry.Container)
		}
		if found == nil || !l.Entry.Time.Before(found.Time) {
			found = l.Entry
		}
		return nil
	})
	return found, err
}

// Container shows what was done with a container: what its line in the audit log
// says and, where it has a record, how the rules are as the policy is now.
func Container(name string, r *record.Record, files []auditlog.File, p *policy.Policy, now time.Time) (*View, error) {
	if r != nil {
		name = r.ID
	}
	line, err := Find(files, name)
	if err != nil {
		return nil, err
	}
	if line == nil && r == nil {
		return nil, fmt.Errorf("container %s: %w", name, ErrUnknown)
	}
	var v *View
	if line != nil {
		v = Logged(line)
	} else {
		v = recorded(r)
		v.Unknown = append(v.Unknown, "what was changed: the audit log has no line about it any more")
	}
	if r != nil {
		v.withRules(r, p, now)
	}
	return v, nil
}

// recorded shows what a record alone says.
func recorded(r *record.Record) *View {
	verdict := "hardened"
	switch r.Mode {
	case record.ModeAudited:
		verdict = "audited"
	case record.ModeExempted:
		verdict = "exempted"
	}
	v := &View{
		ID: r.ID, Verdict: verdict, Rule: r.Rule, Profile: r.Profile, Loosenings: r.Exemptions, Metadata: r.Block,
		Workload: Workload{r.Engine, r.Namespace, r.Pod, r.Name, r.Image, r.Sandbox != "" && r.Sandbox == r.ID},
		Rules:    []Trial{}, Changes: []Change{},
	}
	if t, err := time.Parse(time.RFC3339Nano, r.Created); err == nil {
		v.At = &t
	}
	return v
}

// withRules tries the rules as they are now. The engine's own annotations are in
// the bundle, which hardening leaves them in.
func (v *View) withRules(r *record.Record, p *policy.Policy, now time.Time) {
	file, err := spec.ReadFile(path.Join(r.Bundle, "config.json"))
	var doc *spec.Document
	if err == nil {
		doc, err = spec.ParseSpec(file.Data())
	}
	if err != nil {
		v.Unknown = append(v.Unknown, fmt.Sprintf("how the rules fare: its bundle cannot be read: %v", err))
		return
	}
	if r.PolicyDigest != p.Digest {
		v.Notes = append(v.Notes, "the policy has changed since: the rules are shown as they are now, and decide when the container is created anew")
	}
	w := workload.Identify(r.Root, r.Bundle, r.ID, doc)
	v.Rules = Trials(p.Trials(&w, doc.Get("annotations"), now))
}
