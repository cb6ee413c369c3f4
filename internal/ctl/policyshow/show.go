// SPDX-License-Identifier: Apache-2.0

package policyshow

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/runclad/runclad/internal/ctl/policylint"
	"github.com/runclad/runclad/internal/policy"
)

// View is a policy in effect.
type View struct {
	Files    []string  `json:"files"`
	Digest   string    `json:"digest,omitempty"`
	Audit    string    `json:"audit"`
	OnError  string    `json:"on_error"`
	Rules    []Rule    `json:"rules"`
	Profiles []Profile `json:"profiles"`
}

// Rule is one rule, in the order in which it is tried.
type Rule struct {
	Name    string `json:"name"`
	At      string `json:"at"`
	For     string `json:"for"` // whom, in words
	Mode    string `json:"mode"`
	Profile string `json:"profile,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Owner   string `json:"owner,omitempty"`
	Expires string `json:"expires,omitempty"`
	Expired bool   `json:"expired,omitempty"`
	Claims  bool   `json:"claims,omitempty"`
	// Requestable are the keys that workloads may set for themselves.
	Requestable []string `json:"requestable,omitempty"`
}

// Profile is one profile in full.
type Profile struct {
	Name    string  `json:"name"`
	HandOff bool    `json:"hand_off,omitempty"`
	Values  []Value `json:"values"`
}

// Value is one key of a profile, as TOML writes it, and where it comes from.
type Value struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	From  string `json:"from"`
}

// Of shows a policy that was read from these files; none for one whose files are
// not at hand, such as a compiled one.
func Of(p *policy.Policy, files []policy.Text, now time.Time) (*View, error) {
	v := &View{Files: slices.Clone(p.Files), Digest: p.Digest, Audit: p.Audit, OnError: p.OnError, Rules: []Rule{}}
	for i := range p.Rules {
		v.Rules = append(v.Rules, ruleOf(&p.Rules[i], now))
	}
	said, err := sayings(files)
	if err != nil {
		return nil, err
	}
	for _, name := range names(p) {
		prof := p.Profiles[name]
		out := Profile{Name: name, HandOff: prof.HandOff, Values: []Value{}}
		if !prof.HandOff {
			out.Values = values(prof, said, len(files) > 0 || len(p.Files) == 0)
		}
		v.Profiles = append(v.Profiles, out)
	}
	return v, nil
}

// names lists the profiles: the default one, the other built-in ones, the files'
// own.
func names(p *policy.Policy) []string {
	rank := func(name string) int {
		switch {
		case name == policy.ProfileDefault:
			return 0
		case p.Profiles[name].Base == name:
			return 1
		}
		return 2
	}
	out := slices.Sorted(maps.Keys(p.Profiles))
	slices.SortStableFunc(out, func(a, b string) int { return rank(a) - rank(b) })
	return out
}

func ruleOf(r *policy.Rule, now time.Time) Rule {
	out := Rule{
		Name: r.Name, At: fmt.Sprintf("%s:%d", r.File, r.Line), For: policylint.Subject(r), Mode: r.Mode, Profile: r.Profile,
		Reason: r.Reason, Owner: r.Owner, Expired: r.Expired(now), Claims: r.Claims, Requestable: r.Requestable,
	}
	if !r.Expires.IsZero() {
		out.Expires = r.Expires.UTC().Format(time.RFC3339)
	}
	return out
}

// sayings returns which file sets which key of which profile.
func sayings(files []policy.Text) (map[string]string, error) {
	out := map[string]string{}
	for _, f := range files {
		var file struct {
			Profile map[string]map[string]any `toml:"profile"`
		}
		if err := toml.Unmarshal(f.Data, &file); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		for name, keys := range file.Profile {
			for key := range keys {
				out[name+"."+key] = f.Name
			}
		}
	}
	return out, nil
}

func values(p *policy.Profile, said map[string]string, known bool) []Value {
	var out []Value
	v, t := reflect.ValueOf(*p), reflect.TypeFor[policy.Profile]()
	for i := range t.NumField() {
		key := t.Field(i).Tag.Get("toml")
		if key == "-" {
			continue
		}
		from := "built-in " + p.Base
		if file := said[p.Base+"."+key]; file != "" {
			from = file + " (profile." + p.Base + ")"
		}
		if file := said[p.Name+"."+key]; file != "" {
			from = file
		}
		if !known {
			from = ""
		}
		out = append(out, Value{key, TOML(v.Field(i).Interface()), from})
	}
	return out
}

// Print shows the policy to people.
func (v *View) Print(out io.Writer) error {
	p := &printer{out: out}
	if len(v.Files) == 0 {
		p.line("# There is no policy file: the built-in defaults hold.")
	} else {
		p.line("# Read in this order: %s", strings.Join(v.Files, ", "))
		p.line("# Digest %s", v.Digest)
	}
	p.line("audit = %q", v.Audit)
	p.line("on_error = %q", v.OnError)
	if len(v.Rules) > 0 {
		p.line("\n# Rules; the first that matches decides.")
	}
	for i, r := range v.Rules {
		what := r.Mode + " profile " + r.Profile
		if r.Mode == policy.ModeRefuse {
			what = r.Mode
		}
		p.line("# %d. %s (%s): %s for %s", i+1, r.Name, r.At, what, r.For)
		p.more("reason", r.Reason)
		p.more("owner", r.Owner)
		if r.Expired {
			p.more("EXPIRED at", r.Expires)
		} else {
			p.more("until", r.Expires)
		}
		p.more("workloads may ask for", strings.Join(r.Requestable, ", "))
		if r.Claims {
			p.more("claims", "names that whoever starts a container chose count")
		}
	}
	if len(v.Rules) > 0 {
		p.line("# For all others: profile default.")
	}
	for _, prof := range v.Profiles {
		p.line("\n[profile.%s]", prof.Name)
		if prof.HandOff {
			p.line("# hands containers off as their engine asks; nothing of it can be set")
		}
		for _, val := range prof.Values {
			p.line("%s", strings.TrimRight(fmt.Sprintf("%-52s # %s", val.Key+" = "+val.Value, val.From), " #"))
		}
	}
	return p.err
}

type printer struct {
	out io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format+"\n", args...)
	}
}

func (p *printer) more(key, value string) {
	if value != "" {
		p.line("#      %s: %s", key, value)
	}
}
