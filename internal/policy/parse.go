// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/runclad/runclad/internal/workload"
	"github.com/runclad/runclad/profiles"
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
		if i < len(lines) {
			r.Line = lines[i]
		}
		if err != nil {
			return fmt.Errorf("line %d: rule %s: %w", r.Line, r.Name, err)
		}
		p.Rules = append(p.Rules, r)
	}
	return nil
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

func explain(err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		return unknownKey(&unknown.Errors[0])
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		line, _ := bad.Position()
		return fmt.Errorf("line %d: %s", line, strings.TrimPrefix(bad.Error(), "toml: "))
	}
	return err
}

// checkRules refuses rules that could not be meant.
func (p *Policy) checkRules() error {
	at := map[string]string{}
	for i := range p.Rules {
		r := &p.Rules[i]
		if err := p.checkRule(r); err != nil {
			return fmt.Errorf("%s: line %d: rule %q: %w", r.File, r.Line, r.Name, err)
		}
		here := fmt.Sprintf("%s: line %d", r.File, r.Line)
		if other, twice := at[r.Name]; twice {
			return fmt.Errorf("%s: rule %q: %s has one of that name", here, r.Name, other)
		}
		at[r.Name] = here
	}
	return nil
}

func (p *Policy) checkRule(r *Rule) error {
	if r.Name == "" {
		return errors.New("name: a rule needs one, by which audit lines and refusals speak of it")
	}
	if err := oneOf("mode", r.Mode, ModeEnforce, ModeAudit, ModeRefuse); err != nil {
		return err
	}
	switch _, known := p.Profiles[r.Profile]; {
	case r.Mode == ModeRefuse && r.Profile != "":
		return errors.New(`profile: a rule with mode = "refuse" has none`)
	case r.Mode != ModeRefuse && !known:
		return fmt.Errorf("profile: there is no profile %q; there are %s", r.Profile, strings.Join(slices.Sorted(maps.Keys(p.Profiles)), ", "))
	}
	for _, e := range r.Match.Engine {
		if !slices.ContainsFunc(workload.Engines[:], func(known string) bool { return Glob(e, known) }) {
			return fmt.Errorf("match.engine: %q is none of %s", e, strings.Join(workload.Engines[:], ", "))
		}
	}
	for _, key := range r.Requestable {
		if err := oneOf("requestable", key, Requestable[:]...); err != nil {
			return err
		}
	}
	if len(r.Match.Annotation)+len(r.Match.Label) > 0 && !r.Claims && r.Loosens(p) {
		return errors.New("it loosens and goes by an annotation or label, which whoever starts the container chooses; claims = true accepts that")
	}
	return nil
}

func (p *Profile) check() error {
	for _, lists := range [...]struct {
		key   string
		paths []string
	}{{"host_paths", p.HostPaths}, {"devices", p.Devices}, {"hooks", p.Hooks}, {"writable", p.Writable}, {"exec", p.Exec}} {
		for _, s := range lists.paths {
			if lists.key == "devices" && s == anyName {
				continue
			}
			if !path.IsAbs(s) || path.Clean(s) != s {
				return fmt.Errorf("%s: %q must be an absolute path without . or .. and without a slash at its end", lists.key, s)
			}
		}
	}
	for i, c := range p.Capabilities {
		if strings.EqualFold(c, allCapabilities) {
			p.Capabilities[i] = allCapabilities
			continue
		}
		name := "CAP_" + strings.TrimPrefix(strings.ToUpper(c), "CAP_")
		if profiles.Capability(name) < 0 {
			return fmt.Errorf("capabilities: %q is no capability (capabilities(7))", c)
		}
		p.Capabilities[i] = name
	}
	if p.UIDRange[0] <= 10000 || p.UIDRange[1] <= p.UIDRange[0] || p.UIDRange[1] >= 1<<32-2 {
		return fmt.Errorf("uid_range: [%d, %d] must lie above 10000, first before last", p.UIDRange[0], p.UIDRange[1])
	}
	if p.TmpfsSize < 4096 {
		return fmt.Errorf("tmpfs_size: %d bytes is less than a page", p.TmpfsSize)
	}
	if p.PidsLimit < 1 {
		return fmt.Errorf("pids_limit: %d must be at least 1", p.PidsLimit)
	}
	return errors.Join(
		oneOf("credentials", p.Credentials, "warn", "refuse", "ignore"),
		oneOf("identity", p.Identity, IdentityRandom, IdentityImage, IdentityUserns),
		oneOf("volumes", p.Volumes, "map", "keep"),
		oneOf("host_binds", p.HostBinds, "as-asked", "read-only"),
		oneOf("metadata", p.Metadata, "block", "allow"),
		oneOf("task_credentials", p.TaskCredentials, "block", "allow"),
		oneOf("seccomp", p.Seccomp, seccompValues()...),
	)
}

func oneOf(key, have string, want ...string) error {
	if slices.Contains(want, have) {
		return nil
	}
	return fmt.Errorf("%s: %q is none of %s", key, have, strings.Join(want, ", "))
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
