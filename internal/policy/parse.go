// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Text is one file of the policy.
type Text struct {
	Name string
	Data []byte
}

// Parse reads a policy from its files, in the order in which their rules are
// tried. What is said at the top, and each profile, is said in one file alone.
// Errors name the file and the line.
func Parse(files ...Text) (*Policy, error) {
	p := Default()
	said := map[string]string{} // what is said once, and where
	bases := map[string]string{}
	for _, f := range files {
		if err := outline(f, said, bases); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	// Profiles of the files' own start from the built-in ones as the files
	// change those: hence two turns.
	for turn := range 2 {
		if turn == 1 {
			for name, base := range bases {
				if !isBuiltin(name) {
					c := p.Profiles[base].clone()
					c.Name, c.Base = name, base
					p.Profiles[name] = c
				}
			}
		}
		p.Rules = nil
		for _, f := range files {
			if err := p.read(f, turn == 0); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Profiles)) {
		if err := p.Profiles[name].check(); err != nil {
			return nil, fmt.Errorf("%s: profile.%s: %w", said["profile."+name], name, err)
		}
	}
	if err := p.checkRules(); err != nil {
		return nil, err
	}
	if err := errors.Join(
		oneOf("audit", p.Audit, AuditRequired, AuditBestEffort),
		oneOf("on_error", p.OnError, OnErrorRefuse, OnErrorLastGood),
	); err != nil {
		return nil, err
	}
	for _, f := range files {
		p.Files = append(p.Files, f.Name)
	}
	p.Digest = digest(files)
	return p, nil
}

func isBuiltin(name string) bool {
	switch name {
	case ProfileDefault, ProfileStrict, ProfileBaseline, ProfileSystem, ProfilePrivileged:
		return true
	}
	return false
}

// outline notes what a file says that may be said once, and what its profiles
// start from.
func outline(f Text, said, bases map[string]string) error {
	var file struct {
		Audit   *string `toml:"audit"`
		OnError *string `toml:"on_error"`
		Profile map[string]struct {
			Base     *string  `toml:"base"`
			UIDRange []uint32 `toml:"uid_range"`
		} `toml:"profile"`
	}
	if err := toml.Unmarshal(f.Data, &file); err != nil {
		return explain(err)
	}
	once := func(key string) error {
		if other, twice := said[key]; twice {
			return fmt.Errorf("%s is set in %s too; set it in one of the two", key, other)
		}
		said[key] = f.Name
		return nil
	}
	if file.Audit != nil {
		if err := once("audit"); err != nil {
			return err
		}
	}
	if file.OnError != nil {
		if err := once("on_error"); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(file.Profile)) {
		if err := once("profile." + name); err != nil {
			return err
		}
		base := file.Profile[name].Base
		if r := file.Profile[name].UIDRange; r != nil && len(r) != 2 {
			return fmt.Errorf("profile.%s: uid_range: want the first and the last UID, have %d numbers", name, len(r))
		}
		switch {
		case name == ProfilePrivileged:
			return errors.New("profile.privileged: it hands containers off as they are, and nothing of it can be set")
		case isBuiltin(name) && base != nil && *base != name:
			return fmt.Errorf("profile.%s: a built-in profile starts from itself, not from %q", name, *base)
		case base == nil:
			bases[name] = ProfileDefault
		case !isBuiltin(*base) || *base == ProfilePrivileged:
			return fmt.Errorf("profile.%s: base: %q is none of default, strict, baseline, system", name, *base)
		default:
			bases[name] = *base
		}
	}
	return nil
}

// fileText is what a file can say.
type fileText struct {
	Audit    *string             `toml:"audit"`
	OnError  *string             `toml:"on_error"`
	Profiles map[string]*Profile `toml:"profile"`
	Rules    []ruleText          `toml:"rule"`
}

func (f *fileText) decode(data []byte) error {
	return toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(f)
}

// Misspelt returns what makes a file unreadable by itself: where it is no TOML,
// or each key that is not known. Parse stops at the first.
func Misspelt(f Text) []error {
	var file fileText
	err := file.decode(f.Data)
	var unknown *toml.StrictMissingError
	if !errors.As(err, &unknown) {
		if err != nil {
			err = fmt.Errorf("%s: %w", f.Name, explain(err))
			return []error{err}
		}
		return nil
	}
	var out []error
	for i := range unknown.Errors {
		out = append(out, fmt.Errorf("%s: %w", f.Name, unknownKey(&unknown.Errors[i])))
	}
	return out
}

func unknownKey(e *toml.DecodeError) error {
	line, _ := e.Position()
	return fmt.Errorf("line %d: unknown key %q", line, strings.Join(e.Key(), "."))
}

// read reads a file into the policy. In the first turn profiles of the files'
// own are not kept.
func (p *Policy) read(f Text, first bool) error {
	file := fileText{&p.Audit, &p.OnError, p.Profiles, nil}
	if first {
		file.Profiles = maps.Clone(p.Profiles)
	}
	if err := file.decode(f.Data); err != nil {
		return explain(err)
	}
	lines := headers(f.Data)
	for i := range file.Rules {
		r, err := file.Rules[i].rule()
		r.File = f.Name
		if i >= len(lines) {
			return fmt.Errorf("rule %s: write it as a table in double brackets, [[rule]]", r.Name)
		}
		if r.Line = lines[i]; err != nil {
			return fmt.Errorf("line %d: rule %s: %w", r.Line, r.Name, err)
		}
		p.Rules = append(p.Rules, r)
	}
	return nil
}

func explain(err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		return unknownKey(&unknown.Errors[0])
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		line, _ := bad.Position()
		text := inTOML(strings.TrimPrefix(bad.Error(), "toml: "))
		if key := bad.Key(); len(key) > 0 && !strings.Contains(text, key[len(key)-1]) {
			text = strings.Join(key, ".") + ": " + text
		}
		return fmt.Errorf("line %d: %s", line, text)
	}
	return err
}

// inTOML says what the library says of Go's types, such as "cannot decode TOML
// string into struct field policy.Profile.PidsLimit of type int64", in those of
// the file.
func inTOML(text string) string {
	have, into, ok := strings.Cut(text, " into ")
	have, mismatch := strings.CutPrefix(have, "cannot decode TOML ")
	if !ok || !mismatch {
		return text
	}
	if i := strings.LastIndex(into, " of type "); i >= 0 {
		into = into[i+len(" of type "):]
	}
	want := "a table"
	switch {
	case into == "string":
		want = "a string"
	case into == "bool":
		want = "true or false"
	case into == "int64", into == "uint32":
		want = "a whole number"
	case into == "[]string":
		want = "a list of strings"
	case into == "[]uint32":
		want = "a list of whole numbers"
	case strings.HasPrefix(into, "[]"):
		want = "a table in double brackets"
	}
	article := "a "
	if strings.ContainsAny(have[:1], "aeiou") {
		article = "an "
	}
	return "want " + want + ", have " + article + have
}

// digest is FNV-1a with 64 bits over the files and their names. It tells a
// changed policy from an unchanged one; it protects nothing.
func digest(files []Text) string {
	h := uint64(14695981039346656037)
	add := func(b []byte) {
		for _, c := range b {
			h = (h ^ uint64(c)) * 1099511628211
		}
		h *= 1099511628211 // an end that no text can imitate by chance
	}
	for _, f := range files {
		add([]byte(f.Name))
		add(f.Data)
	}
	return fmt.Sprintf("%016x", h)
}
