// SPDX-License-Identifier: Apache-2.0

package report

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/runclad/runclad/internal/ctl/text"
)

//go:embed page.html
var pageText string

// page carries its style, and no script: its policy forbids any (see its meta
// element), so that no name of a container can become one.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"clean": text.Clean,
	"time":  func(t time.Time) string { return t.UTC().Format(timeForm) },
	"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"short": func(v Verdict) string {
		return map[Verdict]string{Met: "met", NotMet: "no", CannotTell: "unknown", NotApplicable: "na"}[v]
	},
	"mark": func(v Verdict) string {
		return map[Verdict]string{Met: "✓", NotMet: "✗", CannotTell: "?", NotApplicable: "–"}[v]
	},
	"join":  func(list []string) string { return strings.Join(list, ", ") },
	"count": text.Count,
	"share": func(counts map[Verdict]int, v Verdict) float64 {
		sum := 0
		for _, n := range counts {
			sum += n
		}
		if sum == 0 {
			return 0
		}
		return float64(counts[v]) * 100 / float64(sum)
	},
	"of":  func(counts map[Verdict]int, v Verdict) int { return counts[v] },
	"few": func(list []string) bool { return len(list) <= 6 },
	"first": func(n int, list []string) []string {
		return list[:min(n, len(list))]
	},
	"minus": func(a, b int) int { return a - b },
	"troubled": func(c Container) bool {
		return len(c.Disagreements) > 0 || c.Bypasses
	},
}).Parse(pageText))

// HTML writes the report as one page that needs nothing else.
func (r *Report) HTML(out io.Writer) error {
	return page.Execute(out, struct {
		*Report
		Order []Verdict
	}{r, Verdicts})
}
