// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/ctl/node"
	"github.com/runclad/runclad/internal/ctl/text"
	"github.com/runclad/runclad/internal/host"
	shim "github.com/runclad/runclad/runtime"
)

// hidden and protected are what every engine masks and protects by default in a
// container's /proc and /sys; what a kernel lacks is left out.
var (
	hidden    = []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"}
	protected = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

func present(paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool {
		_, err := os.Stat(p)
		return errors.Is(err, os.ErrNotExist)
	})
}

// LogSummary is what the audit log says of the time that the report covers.
type LogSummary struct {
	Decisions map[string]int `json:"decisions"` // of creates, by decision
	Execs     int            `json:"execs"`
	Refusals  []Refusal      `json:"refusals"`
	Broken    int            `json:"brokenLines"`
}

// Refusal is what one control refused.
type Refusal struct {
	Control string    `json:"control"` // "" where the line names none
	Count   int       `json:"count"`
	Last    time.Time `json:"last"`
	Who     string    `json:"who"`
	Reason  string    `json:"reason"` // of the last one
}

// Gather looks at the node. now is the end of the time that is covered.
func Gather(n node.Node, p node.Policy, since, now time.Time) *Evidence {
	e := &Evidence{Since: since, Until: now, Node: nodeFacts(p), NotRunning: []NotJudged{}}
	list, err := n.Containers()
	if err != nil {
		e.Doubts = append(e.Doubts, text.Lines(err)...)
	}
	execs, err := e.readLog(n)
	if err != nil {
		e.Doubts = append(e.Doubts, text.Lines(err)...)
	}
	facts := host.Kernel()
	masked, readonly := present(hidden), present(protected)
	for _, c := range list {
		if c.State == node.Gone {
			continue
		}
		live, err := c.Live()
		if err != nil {
			e.NotRunning = append(e.NotRunning, NotJudged{ID: c.ShortID(), Title: c.Title(), Engine: c.Engine, State: c.State, Reason: err.Error()})
			continue
		}
		s := &Subject{Container: c, Live: live, Policy: p, AppArmor: facts.AppArmor, SELinux: facts.SELinux, Masked: masked, ReadOnly: readonly}
		for _, x := range execs[c.ID] {
			if c.Line == nil || !x.Time.Before(c.Line.Time) {
				s.Execs = append(s.Execs, x)
			}
		}
		e.Subjects = append(e.Subjects, s)
	}
	return e
}

func nodeFacts(p node.Policy) NodeFacts {
	f := NodeFacts{Version: shim.Version}
	f.Name, _ = os.Hostname()
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		f.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	if p.Err != nil {
		f.Err = p.Err.Error()
		return f
	}
	f.Policy = p.Source()
	for name, profile := range p.Profiles {
		for _, w := range profile.Warnings() {
			f.Loosens = append(f.Loosens, "profile "+name+": "+w)
		}
	}
	slices.Sort(f.Loosens)
	return f
}

// readLog sums up the audit log, and returns the execs by container.
func (e *Evidence) readLog(n node.Node) (map[string][]*auditlog.Entry, error) {
	e.Log = LogSummary{Decisions: map[string]int{}, Refusals: []Refusal{}}
	execs := map[string][]*auditlog.Entry{}
	files, err := auditlog.Files(n.Logs...)
	if err != nil {
		return nil, err
	}
	err = auditlog.Each(files, func(l auditlog.Line) error {
		if l.Entry == nil {
			e.Log.Broken++
			return nil
		}
		if l.Entry.Verb == "exec" {
			l.Entry.Changes = nil // there may be very many
			execs[l.Entry.Container] = append(execs[l.Entry.Container], l.Entry)
		}
		if !l.Entry.Time.Before(e.Since) && !l.Entry.Time.After(e.Until) {
			e.Log.count(l.Entry)
		}
		return nil
	})
	slices.SortFunc(e.Log.Refusals, func(a, b Refusal) int { return b.Count - a.Count })
	return execs, err
}

func (s *LogSummary) count(e *auditlog.Entry) {
	switch {
	case e.Creates():
		s.Decisions[e.Decision]++
	case e.Verb == "exec":
		s.Execs++
	}
	if e.Decision != auditlog.Refused {
		return
	}
	controls := e.RefusedBy()
	if len(controls) == 0 {
		controls = []string{""}
	}
	for _, id := range controls {
		i := slices.IndexFunc(s.Refusals, func(r Refusal) bool { return r.Control == id })
		if i < 0 {
			s.Refusals = append(s.Refusals, Refusal{Control: id})
			i = len(s.Refusals) - 1
		}
		r := &s.Refusals[i]
		r.Count++
		if !e.Time.Before(r.Last) {
			r.Last, r.Reason, r.Who = e.Time, e.Reason, e.Who()
		}
	}
}
