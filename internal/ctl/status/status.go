// SPDX-License-Identifier: Apache-2.0

// Package status is the table of this node's containers: what was decided about
// each, and whether it bypasses runclad.
//
// What belongs here: the rows, and their form for people and scripts. What does
// not: finding the containers (package node) and judging them (package report).
package status

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/ctl/node"
	"github.com/runclad/runclad/internal/ctl/text"
	"github.com/runclad/runclad/internal/record"
)

// Status is the state of the node.
type Status struct {
	Containers []Row    `json:"containers"`
	Summary    Summary  `json:"summary"`
	PolicyOK   bool     `json:"policyOK"`
	PolicyErr  string   `json:"policyError,omitempty"`
	Doubts     []string `json:"doubts,omitempty"` // what could not be read
}

// Summary counts the rows.
type Summary struct {
	Running   int `json:"running"`
	Hardened  int `json:"hardened"` // running, in mode enforce
	Audited   int `json:"audited"`  // running, in mode audit
	HandedOff int `json:"handedOff"`
	Exempted  int `json:"exempted"` // running, with at least one exemption
	Bypassing int `json:"bypassing"`
	Stale     int `json:"stale"`
}

// Row is one container.
type Row struct {
	ID            string   `json:"id"`
	Engine        string   `json:"engine"`
	Namespace     string   `json:"namespace,omitempty"`
	Pod           string   `json:"pod,omitempty"`
	Name          string   `json:"name,omitempty"`
	Image         string   `json:"image,omitempty"`
	Root          string   `json:"root"`
	State         string   `json:"state"`
	PID           int      `json:"pid,omitempty"`
	Bypasses      bool     `json:"bypasses"`
	DockerRuntime string   `json:"dockerRuntime,omitempty"`
	UID           *uint32  `json:"uid,omitempty"` // that its first process has, as the host sees it
	RecordedUID   *uint32  `json:"recordedUID,omitempty"`
	Profile       string   `json:"profile,omitempty"`
	Mode          string   `json:"mode,omitempty"`
	Rule          string   `json:"rule,omitempty"`
	Exemptions    []string `json:"exemptions,omitempty"`
	Seccomp       string   `json:"seccomp,omitempty"`      // "filter" or "off", as it runs
	SeccompLevel  string   `json:"seccompLevel,omitempty"` // of its profile, in the policy of now
	// Metadata is how the block was to be set, MetadataBlocked whether it stands.
	Metadata        string   `json:"metadata,omitempty"`
	MetadataBlocked *bool    `json:"metadataBlocked,omitempty"`
	MetadataHits    uint64   `json:"metadataHits"`
	Hits            []Hit    `json:"hits,omitempty"`
	Stale           bool     `json:"stale"`
	Doubts          []string `json:"doubts,omitempty"`
}

// Hit is what was refused at one endpoint.
type Hit struct {
	Address  string `json:"address"`
	Provider string `json:"provider,omitempty"`
	Packets  uint64 `json:"packets"`
}

// Of gathers the status of a node. Containers that are gone are left out unless
// all are wanted.
func Of(n node.Node, p node.Policy, all bool) *Status {
	s := &Status{PolicyOK: p.Err == nil, Containers: []Row{}}
	if p.Err != nil {
		s.PolicyErr = p.Err.Error()
	}
	list, err := n.Containers()
	if err != nil {
		s.Doubts = append(s.Doubts, text.Lines(err)...)
	}
	for _, c := range list {
		if c.State == node.Gone && !all {
			continue
		}
		r := row(c, p)
		s.Containers = append(s.Containers, r)
		s.Summary.count(&r)
	}
	return s
}

func (s *Summary) count(r *Row) {
	if r.State != node.Running && r.State != node.Created {
		return
	}
	s.Running++
	switch {
	case r.Bypasses:
		s.Bypassing++
	case r.Mode == auditlog.Audit:
		s.Audited++
	case r.Mode == auditlog.Exempt:
		s.HandedOff++
	default:
		s.Hardened++
	}
	if len(r.Exemptions) > 0 {
		s.Exempted++
	}
	if r.Stale {
		s.Stale++
	}
}

func row(c *node.Container, p node.Policy) Row {
	r := Row{
		ID: c.ID, Engine: c.Engine, Namespace: c.Namespace, Pod: c.Pod, Name: c.Name, Image: c.Image, Root: c.Root,
		State: c.State, PID: c.Process.PID, Bypasses: c.Bypasses(), DockerRuntime: c.DockerRuntime,
		Profile: c.Profile, Mode: c.Mode, Rule: c.Rule, Exemptions: c.Exemptions,
		SeccompLevel: p.SeccompLevel(c.Profile), Stale: p.Stale(c), Doubts: c.Doubts,
	}
	if c.Record != nil {
		r.Metadata, r.RecordedUID = c.Record.Block, &c.Record.HostUID
	}
	live, err := c.Live()
	if err != nil {
		if !errors.Is(err, node.ErrNotRunning) {
			r.Doubts = append(r.Doubts, err.Error())
		}
		return r
	}
	for part, err := range live.Doubts {
		r.Doubts = append(r.Doubts, part+": "+err.Error())
	}
	if len(live.Processes) > 0 {
		first := live.Processes[0]
		r.UID = &first.UID[1]
		r.Seccomp = "off"
		if first.Seccomp != 0 {
			r.Seccomp = "filter"
		}
	}
	if live.Doubts[node.PartMetadata] == nil {
		r.MetadataBlocked, r.MetadataHits = &live.Blocked, live.Refused()
		for _, h := range live.Hits {
			if h.Packets > 0 {
				r.Hits = append(r.Hits, Hit{h.Addr, h.Provider, h.Packets})
			}
		}
	}
	return r
}

// Print prints the status for people.
func (s *Status) Print(out io.Writer) error {
	paint := text.For(out)
	if len(s.Containers) > 0 {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "CONTAINER\tENGINE\tWHO\tIMAGE\tSTATE\tUID\tPROFILE\tRULE\tSECCOMP\tMETADATA\tNOTE")
		for i := range s.Containers {
			r := &s.Containers[i]
			fmt.Fprintf(w, "%.12s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Engine, text.Short(r.who()), text.Short(text.Or(r.Image, "-")), r.State,
				r.uid(), r.profile(), text.Or(r.Rule, "-"), r.seccomp(), r.metadata(), strings.Join(r.notes(), ", "))
		}
		if err := w.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	n := &s.Summary
	fmt.Fprintf(out, "%s running: %d hardened, %d audited only, %d handed off, %d with exemptions\n", text.Count(n.Running, "container"), n.Hardened, n.Audited, n.HandedOff, n.Exempted)
	if n.Bypassing > 0 {
		fmt.Fprintln(out, paint.Paint(text.Red, text.Count(n.Bypassing, "container")+" without runclad: started with another runtime, or before runclad was installed"))
	}
	s.printExemptions(out, paint)
	if n.Stale > 0 {
		fmt.Fprintf(out, "%s made under another policy than the one of now: it holds for them once they are created anew\n", text.Count(n.Stale, "container"))
	}
	if !s.PolicyOK {
		fmt.Fprintln(out, paint.Paint(text.Red, "creates are refused: "+text.Clean(s.PolicyErr)))
	}
	for _, d := range s.Doubts {
		fmt.Fprintln(out, paint.Paint(text.Yellow, "not read: ")+text.Clean(d))
	}
	for i := range s.Containers {
		for _, d := range s.Containers[i].Doubts {
			fmt.Fprintf(out, "%.12s %s %s\n", s.Containers[i].ID, paint.Paint(text.Yellow, "not read:"), text.Clean(d))
		}
	}
	return nil
}

// printExemptions says what each profile loosens, once for all containers that
// have it by the same rule.
func (s *Status) printExemptions(out io.Writer, paint text.Painter) {
	type why struct{ rule, profile string }
	having := map[why]int{}
	for i := range s.Containers {
		if r := &s.Containers[i]; len(r.Exemptions) > 0 && r.State != node.Gone {
			having[why{r.Rule, r.Profile}]++
		}
	}
	for i := range s.Containers {
		r := &s.Containers[i]
		w := why{r.Rule, r.Profile}
		if having[w] == 0 || len(r.Exemptions) == 0 {
			continue
		}
		by := "profile " + text.Clean(r.Profile)
		if r.Rule != "" {
			by = "rule " + text.Clean(r.Rule) + ", " + by
		}
		fmt.Fprintf(out, "%s by %s, %s:\n", paint.Paint(text.Yellow, "exempted"), by, text.Count(having[w], "container"))
		for _, e := range r.Exemptions {
			fmt.Fprintf(out, "  %s\n", text.Clean(e))
		}
		having[w] = 0
	}
}

func (r *Row) who() string {
	c := node.Container{Namespace: r.Namespace, Pod: r.Pod, Name: r.Name}
	return text.Or(c.Title(), "-")
}

func (r *Row) uid() string {
	if r.UID == nil {
		return "-"
	}
	return strconv.FormatUint(uint64(*r.UID), 10)
}

func (r *Row) profile() string {
	p := text.Or(r.Profile, "-")
	if r.Mode != "" && r.Mode != auditlog.Enforce {
		p += " (" + text.Clean(r.Mode) + ")"
	}
	return p
}

func (r *Row) seccomp() string {
	if r.Seccomp == "filter" && r.SeccompLevel != "" && !r.Bypasses {
		return text.Clean(r.SeccompLevel)
	}
	return text.Or(r.Seccomp, "-")
}

func (r *Row) metadata() string {
	switch {
	case r.MetadataBlocked == nil:
		return "-"
	case !*r.MetadataBlocked:
		return "open"
	case r.MetadataHits > 0:
		return fmt.Sprintf("blocked, %d refused", r.MetadataHits)
	}
	return "blocked"
}

// notes are what an operator should look at.
func (r *Row) notes() []string {
	var out []string
	add := func(here bool, note string) {
		if here {
			out = append(out, note)
		}
	}
	by := ""
	if r.DockerRuntime != "" {
		by = " (Docker's runtime " + text.Clean(r.DockerRuntime) + ")"
	}
	add(r.Bypasses, "BYPASSES RUNCLAD"+by)
	add(len(r.Exemptions) > 0, text.Count(len(r.Exemptions), "exemption"))
	add(r.RecordedUID != nil && r.UID != nil && *r.UID != *r.RecordedUID && r.Mode != auditlog.Audit && r.Mode != auditlog.Exempt, "RUNS AS ANOTHER UID THAN RECORDED")
	add(r.MetadataBlocked != nil && !*r.MetadataBlocked && r.Metadata != "" && r.Metadata != record.BlockAllowed, "METADATA BLOCK IS GONE")
	add(r.Stale, "older policy")
	add(len(r.Doubts) > 0, "not all could be read")
	return out
}
