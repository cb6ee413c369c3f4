// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// ruleText is a rule as it is written: a pattern may stand alone or in a list,
// and a date with or without quotes.
type ruleText struct {
	Name        string   `toml:"name"`
	Profile     string   `toml:"profile"`
	Mode        string   `toml:"mode"`
	Reason      string   `toml:"reason"`
	Owner       string   `toml:"owner"`
	Expires     any      `toml:"expires"`
	Claims      bool     `toml:"claims"`
	Requestable []string `toml:"requestable"`
	Match       struct {
		Engine     any            `toml:"engine"`
		Namespace  any            `toml:"namespace"`
		Pod        any            `toml:"pod"`
		Container  any            `toml:"container"`
		Image      any            `toml:"image"`
		Annotation map[string]any `toml:"annotation"`
		Label      map[string]any `toml:"label"`
		Sandbox    *bool          `toml:"sandbox"`
	} `toml:"match"`
}

// headers returns the lines on which rules begin.
func headers(data []byte) []int {
	var out []int
	n := 0
	for line := range bytes.Lines(data) {
		n++
		text := strings.Join(strings.Fields(string(line)), "")
		if strings.HasPrefix(text, "[[rule]]") {
			out = append(out, n)
		}
	}
	return out
}

func (t *ruleText) rule() (Rule, error) {
	r := Rule{
		Name: t.Name, Profile: t.Profile, Mode: t.Mode, Reason: t.Reason, Owner: t.Owner, Claims: t.Claims, Requestable: t.Requestable,
		Match: Match{Sandbox: t.Match.Sandbox},
	}
	if r.Mode == "" {
		r.Mode = ModeEnforce
	}
	if r.Profile == "" && r.Mode != ModeRefuse {
		r.Profile = ProfileDefault
	}
	var errs []error
	for _, k := range [...]struct {
		key  string
		from any
		to   *[]string
	}{
		{"engine", t.Match.Engine, &r.Match.Engine},
		{"namespace", t.Match.Namespace, &r.Match.Namespace},
		{"pod", t.Match.Pod, &r.Match.Pod},
		{"container", t.Match.Container, &r.Match.Container},
		{"image", t.Match.Image, &r.Match.Image},
	} {
		list, err := patterns("match."+k.key, k.from)
		*k.to = list
		errs = append(errs, err)
	}
	for _, k := range [...]struct {
		key  string
		from map[string]any
		to   *[]Pair
	}{{"annotation", t.Match.Annotation, &r.Match.Annotation}, {"label", t.Match.Label, &r.Match.Label}} {
		for _, name := range slices.Sorted(maps.Keys(k.from)) {
			list, err := patterns("match."+k.key+"."+name, k.from[name])
			*k.to = append(*k.to, Pair{name, list})
			errs = append(errs, err)
		}
	}
	var err error
	r.Expires, err = expiry(t.Expires)
	return r, errors.Join(append(errs, err)...)
}

// patterns takes a string, or a list of strings.
func patterns(key string, v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{v}, nil
	case []any:
		var out []string
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, fmt.Errorf("%s: want strings, have %v", key, e)
			}
			out = append(out, s)
		}
		if len(out) == 0 {
			return nil, fmt.Errorf("%s: an empty list matches nothing; leave the key out to match everything", key)
		}
		return out, nil
	}
	return nil, fmt.Errorf("%s: want a string or a list of strings, have %v", key, v)
}

// expiry takes a date, which ends with its day in UTC, or a time with its
// offset, as TOML writes them or in quotes.
func expiry(v any) (time.Time, error) {
	switch v := v.(type) {
	case nil:
		return time.Time{}, nil
	case toml.LocalDate:
		return v.AsTime(time.UTC).AddDate(0, 0, 1), nil
	case time.Time:
		return v, nil
	case string:
		if t, err := time.Parse(time.DateOnly, v); err == nil {
			return t.AddDate(0, 0, 1), nil
		}
		if t, err := time.Parse(time.RFC3339, v); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("expires: %v is neither a date (2027-01-31) nor a time with its offset (2027-01-31T18:00:00Z)", v)
}
