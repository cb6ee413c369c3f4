// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/runclad/runclad/internal/ctl/text"
)

const timeForm = "2006-01-02 15:04:05 UTC"

// Print prints the report for people: what disagrees, the sums, and of each
// container what is not met or cannot be told.
func (r *Report) Print(out io.Writer) error {
	paint := text.For(out)
	clean := text.Clean
	fmt.Fprintf(out, "%s, %s, kernel %s, runclad %s\n", paint.Paint(text.Bold, clean(r.Node.Name)), r.Time.UTC().Format(timeForm), clean(r.Node.Kernel), r.Node.Version)
	for i := range r.Containers {
		for _, d := range r.Containers[i].Disagreements {
			fmt.Fprintln(out, paint.Paint(text.Red, "DISAGREEMENT ")+clean(r.Containers[i].Label())+": "+clean(d))
		}
	}
	if r.Bypassing > 0 {
		fmt.Fprintln(out, paint.Paint(text.Red, text.Count(r.Bypassing, "container")+" without runclad"))
	}
	if r.Node.Err != "" {
		fmt.Fprintln(out, paint.Paint(text.Red, "the policy cannot be loaded: "+clean(r.Node.Err)))
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STANDARD\tCONTAINERS IN FULL\tMET\tNOT MET\tCANNOT BE TOLD\tNOT APPLICABLE")
	for _, s := range r.Standards {
		fmt.Fprintf(w, "%s\t%d of %d\t%d\t%d\t%d\t%d\n", s.Title, s.Full, len(r.Containers), s.Counts[Met], s.Counts[NotMet], s.Counts[CannotTell], s.Counts[NotApplicable])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i := range r.Containers {
		r.Containers[i].print(out, paint)
	}
	for _, n := range r.NotJudged {
		fmt.Fprintf(out, "\n%s %s: not judged: %s\n", paint.Paint(text.Bold, text.Or(n.Title, n.ID)), n.Engine, clean(n.Reason))
	}
	if len(r.Log.Refusals) > 0 {
		fmt.Fprintf(out, "\nrefused since %s:\n", r.Since.UTC().Format(timeForm))
		for _, f := range r.Log.Refusals {
			fmt.Fprintf(out, "  %4d by %s, last %s %s\n", f.Count, text.Or(f.Control, "no control"), f.Last.UTC().Format(timeForm), clean(f.Who))
		}
		fmt.Fprintln(out, "why: runcladctl audit search --decision refused")
	}
	for _, d := range r.Doubts {
		fmt.Fprintln(out, paint.Paint(text.Yellow, "not read: ")+clean(d))
	}
	return nil
}

func (c *Container) print(out io.Writer, paint text.Painter) {
	fmt.Fprintf(out, "\n%s (%s) %s %s", paint.Paint(text.Bold, text.Clean(c.Label())), c.ShortID, c.Engine, text.Or(c.Image, "-"))
	if c.Bypasses {
		fmt.Fprint(out, " ", paint.Paint(text.Red, "WITHOUT RUNCLAD"))
	}
	fmt.Fprintf(out, "\n  %d met, %d not met, %d cannot be told, %d not applicable\n", c.Counts[Met], c.Counts[NotMet], c.Counts[CannotTell], c.Counts[NotApplicable])
	for _, e := range c.Exemptions {
		fmt.Fprintf(out, "  %s %s\n", paint.Paint(text.Yellow, "exempted:"), text.Clean(e))
	}
	// One line for each evidence, with the clauses that rest on it.
	type group struct {
		Answer
		clauses []string
	}
	var groups []group
	for _, f := range c.Findings {
		if f.Verdict != NotMet && f.Verdict != CannotTell {
			continue
		}
		name := f.Standard + " " + f.Clause
		found := false
		for i := range groups {
			if groups[i].Answer == f.Answer {
				groups[i].clauses = append(groups[i].clauses, name)
				found = true
			}
		}
		if !found {
			groups = append(groups, group{f.Answer, []string{name}})
		}
	}
	for _, g := range groups {
		mark := paint.Paint(text.Red, "not met       ")
		if g.Verdict == CannotTell {
			mark = paint.Paint(text.Cyan, "cannot be told")
		}
		fmt.Fprintf(out, "  %s %s (%s)\n", mark, text.Clean(g.Evidence), strings.Join(g.clauses, ", "))
	}
}
