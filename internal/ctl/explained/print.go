// SPDX-License-Identifier: Apache-2.0

package explained

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/runclad/runclad/internal/audit"
	"github.com/runclad/runclad/internal/ctl/text"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
)

// maxShown bounds what is shown of a value.
const maxShown = 100

// Print shows a container to people.
func (v *View) Print(out io.Writer, paint text.Painter) error {
	p := &printer{out: out, paint: paint}
	if v.Title != "" {
		p.line("%s", paint.Paint(text.Bold, "== "+text.Clean(v.Title)))
	}
	p.field("container", "%s", v.who())
	p.field("verdict", "%s", v.verdict(paint))
	p.field("rule", "%s", v.rule())
	if v.Profile != "" {
		p.field("profile", "%s", text.Clean(v.Profile))
		for _, l := range v.Loosenings {
			p.field("", "loosens %s", text.Clean(l))
		}
	}
	if m := metadata(v.Metadata, v.At != nil); m != "" && v.Verdict != audit.Refused && v.Verdict != audit.Failed {
		p.field("metadata", "%s", m)
	}
	v.printRules(p)
	v.printRefusals(p)
	v.printChanges(p)
	p.list("Notes", v.Notes)
	p.list("Not known here", v.Unknown)
	return p.err
}

func (v *View) who() string {
	w := v.Workload
	parts := []string{}
	add := func(kind, s string) {
		if s != "" {
			parts = append(parts, strings.TrimSpace(kind+" "+text.Clean(s)))
		}
	}
	if len(v.ID) > 12 {
		add("", v.ID[:12])
	} else {
		add("", v.ID)
	}
	add("of", w.Engine)
	add("namespace", w.Namespace)
	add("pod", w.Pod)
	if w.Sandbox {
		parts = append(parts, "its pause container")
	}
	add("name", w.Name)
	add("image", w.Image)
	return strings.Join(parts, ", ")
}

func (v *View) verdict(paint text.Painter) string {
	would, at := "would be ", ""
	if v.At != nil {
		would, at = "was ", " at "+v.At.UTC().Format(time.RFC3339)
	}
	colour, more, verdict := text.Green, "", v.Verdict
	switch verdict {
	case audit.Audited:
		colour, more = text.Yellow, ": it starts as its engine asks, and what follows is what the profile would make of it"
	case audit.Exempted:
		colour, more = text.Yellow, ": it starts as its engine asks, unchanged"
	case audit.Refused:
		colour = text.Red
	case audit.Failed:
		colour, would = text.Red, ""
		if v.At == nil {
			would, verdict = "would ", "fail"
		}
	}
	return would + paint.Paint(colour, verdict) + at + more
}

func (v *View) rule() string {
	switch {
	case v.Rule == "":
		return "none is for it: the profile default holds"
	case v.RuleAt == "":
		return text.Clean(v.Rule)
	case v.Mode == policy.ModeEnforce:
		return fmt.Sprintf("%s (%s)", text.Clean(v.Rule), text.Clean(v.RuleAt))
	}
	return fmt.Sprintf("%s (%s), mode %s", text.Clean(v.Rule), text.Clean(v.RuleAt), v.Mode)
}

func metadata(block string, was bool) string {
	is := "would be blocked"
	if was {
		is = "were blocked"
	}
	switch block {
	case record.BlockAtCreate:
		return "the endpoints " + is + " at create"
	case record.BlockAtStart:
		return "the endpoints " + is + " at start"
	case record.BlockByHook:
		return "the endpoints " + is + " by a hook"
	case record.BlockAllowed:
		return "the endpoints can be reached"
	}
	return ""
}

func (v *View) printRules(p *printer) {
	if len(v.Rules) == 0 {
		return
	}
	p.head("Rules, in order")
	for _, t := range v.Rules {
		mark := " "
		if t.Matched {
			mark = "*"
		}
		p.line("  %s %s: %s", mark, text.Clean(t.Rule), text.Clean(t.Why))
	}
}

func (v *View) printRefusals(p *printer) {
	if v.Reason != "" {
		p.head("Against it")
		p.line("  %s", text.Clean(v.Reason))
	}
	if len(v.Refusals) == 0 {
		return
	}
	title := "Refused"
	if v.Verdict == audit.Audited {
		title = "Would be refused under mode enforce"
	}
	p.head(title)
	for _, r := range v.Refusals {
		p.line("  %s (%s): %s", r.Control, r.Standards, text.Clean(r.Reason))
		if r.Allow != "" {
			p.line("      to allow it: [profile.%s] %s", text.Clean(r.Profile), text.Clean(r.Allow))
		}
	}
}

func (v *View) printChanges(p *printer) {
	if len(v.Changes) == 0 {
		return
	}
	p.head("Changes")
	for rest := v.Changes; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Control == rest[0].Control {
			n++
		}
		p.line("  %s (%s)", p.paint.Paint(text.Cyan, rest[0].Control), rest[0].Standards)
		shown := n
		if n > maxChanges {
			shown = maxChanges - 1
		}
		for _, c := range rest[:shown] {
			p.line("    %s: %s", text.Clean(c.Path), c.difference())
		}
		if shown < n {
			p.line("    and %d more, which --json lists", n-shown)
		}
		rest = rest[n:]
	}
}

// maxChanges bounds the lines for one control: a privileged container loses a
// hundred devices.
const maxChanges = 12

// difference is from → to; of long lists, what was added and taken away.
func (c *Change) difference() string {
	var from, to []string
	if len(c.From) > maxShown && json.Unmarshal(c.From, &from) == nil && json.Unmarshal(c.To, &to) == nil && to != nil {
		var b strings.Builder
		fmt.Fprintf(&b, "%s → %d", text.Count(len(from), "value"), len(to))
		for _, s := range to {
			if !slices.Contains(from, s) {
				b.WriteString(" +" + text.Clean(s))
			}
		}
		for _, s := range from {
			if !slices.Contains(to, s) {
				b.WriteString(" -" + text.Clean(s))
			}
		}
		return b.String()
	}
	return show(c.From) + " → " + show(c.To)
}

func show(m json.RawMessage) string {
	s := string(m)
	if s == "null" {
		return "absent"
	}
	// What the audit log has cut is the beginning of a text of JSON.
	if cut := ""; json.Unmarshal(m, &cut) == nil && strings.HasSuffix(cut, "…") {
		s = strings.TrimSuffix(cut, "…")
		return text.Clean(strings.ToValidUTF8(s[:min(len(s), maxShown)], "") + "…")
	}
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return text.Clean(s)
}

// printer writes lines, up to the first error.
type printer struct {
	out   io.Writer
	paint text.Painter
	err   error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format+"\n", args...)
	}
}

func (p *printer) field(name, format string, args ...any) {
	p.line("%-10s "+format, append([]any{name}, args...)...)
}

func (p *printer) head(title string) { p.line("\n%s", p.paint.Paint(text.Bold, title)) }

func (p *printer) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	p.head(title)
	for _, s := range items {
		p.line("  %s", text.Clean(s))
	}
}
