// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"os"
	"reflect"
	"strconv"
	"time"

	"github.com/runclad/runclad/internal/record/rundir"
	"github.com/runclad/runclad/internal/spec"
)

// compiledName is the policy as JSON, with what sets each profile apart from its
// base, and compiledForm the version of that form.
const (
	compiledName  = "policy.json"
	compiledForm  = 1
	compiledLimit = 4 << 20
)

// keepCompiled keeps the compiled form for the next call. That it cannot be kept
// costs time and nothing else.
func keepCompiled(state rundir.Dir, stamp string, p *Policy) {
	tmp := ".new.policy." + strconv.Itoa(os.Getpid())
	data := p.encode(stamp)
	err := state.Create(tmp, 0o600, data)
	if err == nil {
		err = state.Rename(tmp, compiledName)
	}
	if err != nil {
		_ = state.Unlink(tmp) // its own, or that of a process long gone
	}
}

// fromCompiled returns the compiled policy if it is of that stamp, else nil.
func fromCompiled(state rundir.Dir, stamp string) *Policy {
	p, of := readCompiled(state)
	if p == nil || of != stamp {
		return nil
	}
	return p
}

// lastGood returns the last policy that could be read, if that says so itself,
// and a note; else the error.
func lastGood(state rundir.Dir, err error) (*Policy, []string, error) {
	p, _ := readCompiled(state)
	if p == nil || p.OnError != OnErrorLastGood {
		return nil, nil, err
	}
	return p, []string{fmt.Sprintf("the last good policy (%s) holds on: %v", p.Digest, err)}, nil
}

// Compiled returns the compiled policy that the run state keeps, nil if there is
// none, and whether it is that of the files as they are now.
func (pl Place) Compiled(state rundir.Dir) (p *Policy, current bool, err error) {
	now, err := pl.look()
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	p, of := readCompiled(state)
	return p, p != nil && of == now.stamp, nil
}

func readCompiled(state rundir.Dir) (*Policy, string) {
	data, err := state.Read(compiledName, compiledLimit)
	if err != nil {
		return nil, ""
	}
	v, err := spec.ParseValue(data)
	if err != nil {
		return nil, ""
	}
	return decode(v)
}

func (p *Policy) encode(stamp string) []byte {
	var profiles []spec.Member
	bases := builtin()
	for name, prof := range p.Profiles {
		if v := prof.encode(bases[prof.Base]); bases[name] == nil || len(v.Members()) > 1 {
			profiles = append(profiles, spec.M(name, v))
		}
	}
	rules := make([]*spec.Value, len(p.Rules))
	for i := range p.Rules {
		rules[i] = p.Rules[i].encode()
	}
	return spec.Map(
		spec.M("form", spec.Int(compiledForm)), spec.M("fields", spec.Int(int64(profileFields))), spec.M("stamp", spec.Text(stamp)),
		spec.M("files", spec.Texts(p.Files...)), spec.M("digest", spec.Text(p.Digest)),
		spec.M("audit", spec.Text(p.Audit)), spec.M("on_error", spec.Text(p.OnError)),
		spec.M("profiles", spec.Map(profiles...)), spec.M("rules", spec.List(rules...)),
	).Append(nil)
}

// decode returns nil for what another version of runclad wrote.
func decode(v *spec.Value) (*Policy, string) {
	form, _ := v.Get("form").Int64()
	fields, _ := v.Get("fields").Int64()
	if form != compiledForm || fields != int64(profileFields) {
		return nil, ""
	}
	p := &Policy{
		Files: v.Get("files").Strs(), Digest: v.Get("digest").Str(), Audit: v.Get("audit").Str(), OnError: v.Get("on_error").Str(),
		Profiles: builtin(),
	}
	bases := builtin()
	for _, m := range v.Get("profiles").Members() {
		base := bases[m.Value.Get("base").Str()]
		if base == nil {
			return nil, ""
		}
		p.Profiles[m.Name] = base.clone()
		p.Profiles[m.Name].decode(m.Name, m.Value)
	}
	for _, r := range v.Get("rules").Elems() {
		p.Rules = append(p.Rules, decodeRule(r))
	}
	return p, v.Get("stamp").Str()
}

var profileFields = reflect.TypeFor[Profile]().NumField()

// encode writes a profile's base, and by their TOML keys the values that differ
// from it.
func (p *Profile) encode(base *Profile) *spec.Value {
	members := []spec.Member{spec.M("base", spec.Text(p.Base))}
	v, of, t := reflect.ValueOf(p).Elem(), reflect.ValueOf(base).Elem(), reflect.TypeFor[Profile]()
	for i := range t.NumField() {
		key := t.Field(i).Tag.Get("toml")
		if key == "-" || key == "base" || reflect.DeepEqual(v.Field(i).Interface(), of.Field(i).Interface()) {
			continue
		}
		var to *spec.Value
		switch f := v.Field(i).Addr().Interface().(type) {
		case *string:
			to = spec.Text(*f)
		case *bool:
			to = spec.Flag(*f)
		case *int64:
			to = spec.Int(*f)
		case *[]string:
			to = spec.Texts(*f...)
		case *[2]uint32:
			to = spec.List(spec.Int(int64(f[0])), spec.Int(int64(f[1])))
		}
		members = append(members, spec.M(key, to))
	}
	return spec.Map(members...)
}

// decode sets in a copy of the base what encode wrote.
func (p *Profile) decode(name string, from *spec.Value) {
	p.Name = name
	v, t := reflect.ValueOf(p).Elem(), reflect.TypeFor[Profile]()
	for i := range t.NumField() {
		have := from.Get(t.Field(i).Tag.Get("toml"))
		if have == nil {
			continue
		}
		switch f := v.Field(i).Addr().Interface().(type) {
		case *string:
			*f = have.Str()
		case *bool:
			*f = have.True()
		case *int64:
			*f, _ = have.Int64()
		case *[]string:
			*f = have.Strs()
		case *[2]uint32:
			for j, e := range have.Elems() {
				n, _ := e.Int64()
				f[j] = uint32(n)
			}
		}
	}
}

func (r *Rule) encode() *spec.Value {
	m := &r.Match
	members := []spec.Member{
		spec.M("name", spec.Text(r.Name)), spec.M("profile", spec.Text(r.Profile)), spec.M("mode", spec.Text(r.Mode)),
		spec.M("reason", spec.Text(r.Reason)), spec.M("owner", spec.Text(r.Owner)), spec.M("claims", spec.Flag(r.Claims)),
		spec.M("file", spec.Text(r.File)), spec.M("line", spec.Int(int64(r.Line))),
	}
	for _, l := range [...]struct {
		key  string
		list []string
	}{
		{"requestable", r.Requestable},
		{"engine", m.Engine},
		{"namespace", m.Namespace},
		{"pod", m.Pod},
		{"container", m.Container},
		{"image", m.Image},
	} {
		if len(l.list) > 0 {
			members = append(members, spec.M(l.key, spec.Texts(l.list...)))
		}
	}
	if len(m.Annotation) > 0 {
		members = append(members, spec.M("annotation", encodePairs(m.Annotation)))
	}
	if len(m.Label) > 0 {
		members = append(members, spec.M("label", encodePairs(m.Label)))
	}
	if !r.Expires.IsZero() {
		members = append(members, spec.M("expires", spec.Int(r.Expires.UnixNano())))
	}
	if m.Sandbox != nil {
		members = append(members, spec.M("sandbox", spec.Flag(*m.Sandbox)))
	}
	return spec.Map(members...)
}

func decodeRule(v *spec.Value) Rule {
	r := Rule{
		Name: v.Get("name").Str(), Profile: v.Get("profile").Str(), Mode: v.Get("mode").Str(),
		Reason: v.Get("reason").Str(), Owner: v.Get("owner").Str(), Claims: v.Get("claims").True(),
		Requestable: v.Get("requestable").Strs(), File: v.Get("file").Str(),
		Match: Match{
			Engine: v.Get("engine").Strs(), Namespace: v.Get("namespace").Strs(), Pod: v.Get("pod").Strs(),
			Container: v.Get("container").Strs(), Image: v.Get("image").Strs(),
			Annotation: decodePairs(v.Get("annotation")), Label: decodePairs(v.Get("label")),
		},
	}
	if line, ok := v.Get("line").Int64(); ok {
		r.Line = int(line)
	}
	if at, ok := v.Get("expires").Int64(); ok {
		r.Expires = time.Unix(0, at).UTC()
	}
	if s := v.Get("sandbox"); s.Kind() == spec.Bool {
		b := s.True()
		r.Match.Sandbox = &b
	}
	return r
}

func encodePairs(pairs []Pair) *spec.Value {
	members := make([]spec.Member, len(pairs))
	for i, p := range pairs {
		members[i] = spec.M(p.Key, spec.Texts(p.Values...))
	}
	return spec.Map(members...)
}

func decodePairs(v *spec.Value) []Pair {
	var out []Pair
	for _, m := range v.Members() {
		out = append(out, Pair{m.Name, m.Value.Strs()})
	}
	return out
}
