// SPDX-License-Identifier: Apache-2.0

package exempt

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/runclad/runclad/internal/ctl/policyshow"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/workload"
)

// Exemption is what is to be written.
type Exemption struct {
	// Name is the rule's, and part of the file's and the profile's.
	Name string
	// Order is the number that the file's name begins with: files are tried in
	// the order of their names.
	Order int
	// Reason and Owner are for people. Until is when it ends.
	Reason, Owner string
	Until         time.Time
	// Match says whom it is for; Claims accepts names that are claims.
	Match  policy.Match
	Claims bool
	// Allow are lines of a profile, KEY = VALUE; Base is the name of the profile
	// that they are added to.
	Allow []string
	Base  string
	// Profile is an existing profile to give, in the place of one with Allow.
	Profile string
	// Of is the workload that it was asked for, which it must be the rule for;
	// nil if it was not asked for a certain one.
	Of *workload.Workload
	// Notes say what was chosen on the way.
	Notes []string
}

func (e *Exemption) note(format string, args ...any) {
	e.Notes = append(e.Notes, fmt.Sprintf(format, args...))
}

// DefaultOrder leaves room before and behind.
const DefaultOrder = 50

// longest is how long an exemption can last.
const longest = 2 * 366 * 24 * time.Hour

var goodName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// check refuses what could not be meant.
func (e *Exemption) check(now time.Time) error {
	switch {
	case !goodName.MatchString(e.Name):
		return fmt.Errorf("name %q: want up to 63 lower-case letters, digits and dashes", e.Name)
	case e.Order < 0 || e.Order > 99:
		return fmt.Errorf("order %d: want 0 to 99", e.Order)
	case strings.TrimSpace(e.Reason) == "" || strings.TrimSpace(e.Owner) == "":
		return errors.New("an exemption needs a reason and an owner")
	case e.Until.IsZero():
		return errors.New("an exemption needs an end")
	case !e.Until.After(now):
		return fmt.Errorf("its end, %s, has passed", e.Until.Format(time.RFC3339))
	case e.Until.Sub(now) > longest:
		return fmt.Errorf("its end, %s, is more than %d days ahead: an exemption is renewed, or ends", e.Until.Format(time.RFC3339), longest/(24*time.Hour))
	case e.Profile == "" && len(e.Allow) == 0:
		return errors.New("nothing is to be allowed: neither a line nor a profile")
	case e.Profile != "" && len(e.Allow) > 0:
		return errors.New("either lines or a profile: a profile says by itself what it allows")
	case reflect.DeepEqual(e.Match, policy.Match{}):
		return errors.New("whom is it for? an exemption names an engine, a namespace, a pod, a container or an image")
	}
	return nil
}

// ProfileName is the name of the profile that is written for it.
func (e *Exemption) ProfileName() string { return "exempt-" + e.Name }

// File is the name of its file.
func (e *Exemption) File() string { return fmt.Sprintf("%02d-exempt-%s.toml", e.Order, e.Name) }

// text writes the file.
func (e *Exemption) text(p *policy.Policy) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Written by runcladctl exempt; runcladctl exempt remove %s takes it away.\n", e.Name)
	profile := e.Profile
	if profile == "" {
		profile = e.ProfileName()
		if err := e.profileText(&b, p); err != nil {
			return nil, err
		}
	}
	fmt.Fprintf(&b, "\n[[rule]]\nname = %s\nreason = %s\nowner = %s\nexpires = %s\nprofile = %s\n",
		policyshow.TOML(e.Name), policyshow.TOML(e.Reason), policyshow.TOML(e.Owner), policyshow.TOML(e.Until.UTC().Format(time.RFC3339)), policyshow.TOML(profile))
	if e.Claims {
		b.WriteString("claims = true\n")
	}
	for _, k := range []struct {
		key      string
		patterns []string
	}{
		{"engine", e.Match.Engine}, {"namespace", e.Match.Namespace}, {"pod", e.Match.Pod}, {"container", e.Match.Container}, {"image", e.Match.Image},
	} {
		switch len(k.patterns) {
		case 0:
		case 1:
			fmt.Fprintf(&b, "match.%s = %s\n", k.key, policyshow.TOML(k.patterns[0]))
		default:
			fmt.Fprintf(&b, "match.%s = %s\n", k.key, policyshow.TOML(k.patterns))
		}
	}
	if e.Match.Sandbox != nil {
		fmt.Fprintf(&b, "match.sandbox = %t\n", *e.Match.Sandbox)
	}
	return b.Bytes(), nil
}

// profileText writes the profile: what it was, and the lines. A profile can only
// start from a built-in one, so that what another one changes in that is written
// out.
func (e *Exemption) profileText(b *bytes.Buffer, p *policy.Policy) error {
	name := e.Base
	if name == "" {
		name = policy.ProfileDefault
	}
	was := p.Profiles[name]
	if was == nil || was.HandOff {
		return fmt.Errorf("profile %s, to which it would be added, cannot be added to", name)
	}
	base := p.Profiles[was.Base]
	now, err := with(was, e.Allow)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "\n[profile.%s]\nbase = %s\n", e.ProfileName(), policyshow.TOML(was.Base))
	have, from, t := reflect.ValueOf(*now), reflect.ValueOf(*base), reflect.TypeFor[policy.Profile]()
	written := 0
	for i := range t.NumField() {
		key := t.Field(i).Tag.Get("toml")
		value := policyshow.TOML(have.Field(i).Interface())
		if key == "-" || key == "base" || value == policyshow.TOML(from.Field(i).Interface()) {
			continue
		}
		fmt.Fprintf(b, "%s = %s\n", key, value)
		written++
	}
	if written == 0 {
		return fmt.Errorf("profile %s allows all of that already", name)
	}
	return nil
}

// with adds lines to a profile: lists grow, other values are replaced.
func with(was *policy.Profile, lines []string) (*policy.Profile, error) {
	now := *was
	to := reflect.ValueOf(&now).Elem()
	for _, line := range lines {
		var add policy.Profile
		if err := toml.NewDecoder(strings.NewReader(line)).DisallowUnknownFields().Decode(&add); err != nil {
			reason := strings.TrimPrefix(err.Error(), "toml: ")
			if unknown := new(toml.StrictMissingError); errors.As(err, &unknown) {
				reason = "there is no such key (runclad-policy(5))"
			}
			return nil, fmt.Errorf("%q is no line of a profile: %s", line, reason)
		}
		if add.Base != "" {
			return nil, fmt.Errorf("%q: what a profile starts from cannot be added", line)
		}
		var keys map[string]any
		if err := toml.Unmarshal([]byte(line), &keys); err != nil {
			return nil, err
		}
		from, t := reflect.ValueOf(add), reflect.TypeFor[policy.Profile]()
		for i := range t.NumField() {
			if _, said := keys[t.Field(i).Tag.Get("toml")]; !said {
				continue
			}
			f, v := to.Field(i), from.Field(i)
			if list, ok := f.Interface().([]string); ok {
				list = slices.Clone(list)
				for _, s := range v.Interface().([]string) {
					if !slices.Contains(list, s) {
						list = append(list, s)
					}
				}
				v = reflect.ValueOf(list)
			}
			f.Set(v)
		}
	}
	return &now, nil
}
