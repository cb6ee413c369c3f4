// SPDX-License-Identifier: Apache-2.0

package exempt

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/runclad/runclad/internal/ctl/policylint"
	"github.com/runclad/runclad/internal/policy"
)

// Listed is one rule that loosens.
type Listed struct {
	Name    string `json:"name"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	For     string `json:"for"` // whom, in words
	Mode    string `json:"mode"`
	Profile string `json:"profile"`
	Reason  string `json:"reason,omitempty"`
	Owner   string `json:"owner,omitempty"`
	Ends    string `json:"ends,omitempty"` // RFC 3339, "" for never
	Ended   bool   `json:"ended"`
}

// List returns every rule that loosens, in order.
func List(p *policy.Policy, now time.Time) []Listed {
	out := []Listed{}
	for i := range p.Rules {
		r := &p.Rules[i]
		if !r.Loosens(p) {
			continue
		}
		l := Listed{
			Name: r.Name, File: r.File, Line: r.Line, For: policylint.Subject(r), Mode: r.Mode, Profile: r.Profile,
			Reason: r.Reason, Owner: r.Owner, Ended: r.Expired(now),
		}
		if !r.Expires.IsZero() {
			l.Ends = r.Expires.UTC().Format(time.RFC3339)
		}
		out = append(out, l)
	}
	return out
}

// Names lists the exemptions that can be removed. Where the folder cannot be read
// there are none.
func Names(place policy.Place) []string {
	entries, _ := os.ReadDir(place.Dir)
	var out []string
	for _, e := range entries {
		if m := fileName.FindStringSubmatch(e.Name()); m != nil {
			out = append(out, m[1])
		}
	}
	return out
}

// End reads when an exemption ends: until a time or the end of a day (UTC), or
// after so long.
func End(until, lasts string, now time.Time) (time.Time, error) {
	if until != "" {
		if t, err := time.Parse(time.DateOnly, until); err == nil {
			return t.AddDate(0, 0, 1), nil
		}
		t, err := time.Parse(time.RFC3339, until)
		if err != nil {
			return t, fmt.Errorf("until %q: want a date (2027-01-31) or a time with its offset (2027-01-31T18:00:00Z)", until)
		}
		return t, nil
	}
	d, err := time.ParseDuration(lasts)
	if days, ok := strings.CutSuffix(lasts, "d"); ok {
		var n int
		if n, err = strconv.Atoi(days); err == nil {
			d = time.Duration(n) * 24 * time.Hour
		}
	}
	if err != nil || d <= 0 {
		return time.Time{}, fmt.Errorf("for %q: want 12h, 90d or the like", lasts)
	}
	return now.Add(d).UTC().Truncate(time.Second), nil
}
