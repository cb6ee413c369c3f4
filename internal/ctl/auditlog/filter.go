// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// inReason finds the control in the text of a refusal (control.Refusal).
var inReason = regexp.MustCompile(`\(control ([a-z-]+);`)

// Filter says which lines are wanted. Of each list one value has to match; an
// empty list matches all.
type Filter struct {
	Since, Until time.Time
	Engine       []string
	Namespace    []string
	Pod          []string
	Container    []string // beginning of the ID, or the name
	Image        []string // part of the name, or a pattern (path.Match)
	Decision     []string
	Verb         []string
	Control      []string // of a change or a refusal
	Rule         []string
	UID          []uint
	Text         []string // part of the line, whatever its case
}

// Match reports whether a line is wanted.
func (f *Filter) Match(l *Line) bool {
	e := l.Entry
	if e == nil {
		return false
	}
	if !f.Since.IsZero() && e.Time.Before(f.Since) || !f.Until.IsZero() && e.Time.After(f.Until) {
		return false
	}
	return anyOf(f.Engine, equal(e.Engine)) && anyOf(f.Namespace, equal(e.Namespace)) && anyOf(f.Pod, equal(e.Pod)) &&
		anyOf(f.Decision, equal(e.Decision)) && anyOf(f.Verb, equal(e.Verb)) && anyOf(f.Rule, equal(e.Rule)) &&
		anyOf(f.Container, func(s string) bool { return s == e.Name || s != "" && strings.HasPrefix(e.Container, s) }) &&
		anyOf(f.Image, e.isImage) && anyOf(f.Control, e.touches) &&
		anyOf(f.UID, func(n uint) bool { return uint64(n) == uint64(e.UID) }) &&
		anyOf(f.Text, func(s string) bool { return strings.Contains(strings.ToLower(string(l.Raw)), strings.ToLower(s)) })
}

func anyOf[T any](list []T, match func(T) bool) bool {
	return len(list) == 0 || slices.ContainsFunc(list, match)
}

func equal(have string) func(string) bool {
	return func(want string) bool { return have == want }
}

func (e *Entry) isImage(want string) bool {
	for _, have := range [...]string{e.Image, e.ImageID} {
		if have == "" {
			continue
		}
		if ok, err := path.Match(want, have); ok && err == nil || strings.Contains(have, want) {
			return true
		}
	}
	return false
}

func (e *Entry) touches(control string) bool {
	return slices.Contains(e.RefusedBy(), control) ||
		slices.ContainsFunc(e.Changes, func(c Change) bool { return c.Control == control })
}

// ParseTime reads a point in time as an operator writes it: RFC 3339, a date, or
// how long ago (90s, 15m, 36h, 7d).
func ParseTime(s string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, now.Location()); err == nil {
		return t, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n >= 0 && n < 1e5 {
			return now.Add(-time.Duration(n * float64(24*time.Hour))), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%q is neither a time (2006-01-02T15:04:05Z), a date (2006-01-02) nor how long ago (15m, 36h, 7d)", s)
}
