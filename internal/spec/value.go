// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Kind is the JSON kind of a Value.
type Kind uint8

// The JSON kinds. There is no null: a null member reads as absent, as it does
// in the runtimes' own decoders, and is written back unless it is replaced.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

var kindNames = [...]string{"null", "boolean", "number", "string", "array", "object"}

func (k Kind) String() string { return kindNames[k] }

// Raw returns an object given as JSON text that is known to be valid. It is
// opaque: it can be placed in a document and compared with itself, but not read.
func Raw(object string) *Value { return &Value{kind: Object, raw: object} }

// Value is one node of a JSON document. The zero of *Value, nil, stands for an
// absent value: every reading method accepts it.
type Value struct {
	kind    Kind
	text    string // String: decoded; Number: literal; Bool: "true" or "false"
	raw     string // Object: text of an opaque one
	members []Member
	elems   []*Value
	parent  *Value
}

// Member is one name and value of an object, in document order.
type Member struct {
	Name  string
	Value *Value
}

// Text returns a new string value.
func Text(s string) *Value { return &Value{kind: String, text: s} }

// Int returns a new number value.
func Int(n int64) *Value { return &Value{kind: Number, text: strconv.FormatInt(n, 10)} }

// Decimal returns a new number value in plain decimal notation.
func Decimal(f float64) *Value {
	return &Value{kind: Number, text: strconv.FormatFloat(f, 'f', -1, 64)}
}

// Flag returns a new boolean value.
func Flag(b bool) *Value { return &Value{kind: Bool, text: strconv.FormatBool(b)} }

// List returns a new array of the given values.
func List(elems ...*Value) *Value {
	v := &Value{kind: Array, elems: elems}
	for _, e := range elems {
		e.parent = v
	}
	return v
}

// Texts returns a new array of strings.
func Texts(ss ...string) *Value {
	elems := make([]*Value, len(ss))
	for i, s := range ss {
		elems[i] = Text(s)
	}
	return List(elems...)
}

// M makes a Member for Map.
func M(name string, v *Value) Member { return Member{Name: name, Value: v} }

// Map returns a new object with the given members; nil values are left out.
func Map(members ...Member) *Value {
	v := &Value{kind: Object}
	for _, m := range members {
		if m.Value != nil {
			m.Value.parent = v
			v.members = append(v.members, m)
		}
	}
	return v
}

// Kind returns the value's kind, Null if it is absent.
func (v *Value) Kind() Kind {
	if v == nil {
		return Null
	}
	return v.kind
}

// Get walks down the named members and returns nil as soon as one is absent or
// null.
func (v *Value) Get(names ...string) *Value {
	for _, name := range names {
		v = v.member(name)
		if v.Kind() == Null {
			return nil
		}
	}
	return v
}

func (v *Value) member(name string) *Value {
	if v.Kind() != Object {
		return nil
	}
	for i := range v.members {
		if v.members[i].Name == name {
			return v.members[i].Value
		}
	}
	return nil
}

// Members returns the members of an object in document order. The slice must
// not be changed.
func (v *Value) Members() []Member {
	if v.Kind() != Object {
		return nil
	}
	return v.members
}

// Elems returns the elements of an array. The slice must not be changed.
func (v *Value) Elems() []*Value {
	if v.Kind() != Array {
		return nil
	}
	return v.elems
}

// Str returns the text of a string, "" for anything else.
func (v *Value) Str() string {
	if v.Kind() != String {
		return ""
	}
	return v.text
}

// Strs returns the strings of an array of strings.
func (v *Value) Strs() []string {
	var out []string
	for _, e := range v.Elems() {
		out = append(out, e.Str())
	}
	return out
}

// True reports whether the value is the boolean true.
func (v *Value) True() bool { return v.Kind() == Bool && v.text == "true" }

// Int64 returns the number, and false if there is none or it does not fit.
func (v *Value) Int64() (int64, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	return n, err == nil
}

// Uint64 returns the number, and false if there is none or it does not fit.
func (v *Value) Uint64() (uint64, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	n, err := strconv.ParseUint(v.text, 10, 64)
	return n, err == nil
}

// Equal reports whether two values mean the same JSON, member order aside.
func (v *Value) Equal(w *Value) bool {
	if v.Kind() != w.Kind() {
		return false
	}
	switch v.Kind() {
	case Null:
		return true
	case Array:
		if len(v.elems) != len(w.elems) {
			return false
		}
		for i := range v.elems {
			if !v.elems[i].Equal(w.elems[i]) {
				return false
			}
		}
		return true
	case Object:
		if v.raw != w.raw || len(v.members) != len(w.members) {
			return false
		}
		for _, m := range v.members {
			o := w.member(m.Name)
			if o == nil || !m.Value.Equal(o) {
				return false
			}
		}
		return true
	default:
		return v.text == w.text
	}
}

// Clone returns a deep copy without a parent.
func (v *Value) Clone() *Value {
	if v == nil {
		return nil
	}
	c := &Value{kind: v.kind, text: v.text, raw: v.raw}
	for _, m := range v.members {
		m.Value = m.Value.Clone()
		m.Value.parent = c
		c.members = append(c.members, m)
	}
	for _, e := range v.elems {
		e = e.Clone()
		e.parent = c
		c.elems = append(c.elems, e)
	}
	return c
}

// Append appends the value as compact JSON.
func (v *Value) Append(dst []byte) []byte { return v.appendUpTo(dst, math.MaxInt-1) }

// appendUpTo is Append that may leave out what follows the byte at limit.
func (v *Value) appendUpTo(dst []byte, limit int) []byte {
	switch v.Kind() {
	case Null:
		return append(dst, "null"...)
	case String:
		return appendQuote(dst, v.text)
	case Array:
		dst = append(dst, '[')
		for i, e := range v.elems {
			if i > 0 {
				dst = append(dst, ',')
			}
			if len(dst) > limit {
				return dst
			}
			dst = e.appendUpTo(dst, limit)
		}
		return append(dst, ']')
	case Object:
		if v.raw != "" {
			return append(dst, v.raw[:min(len(v.raw), max(limit-len(dst), 0)+1)]...)
		}
		dst = append(dst, '{')
		for i, m := range v.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendQuote(dst, m.Name)
			dst = append(dst, ':')
			if len(dst) > limit {
				return dst
			}
			dst = m.Value.appendUpTo(dst, limit)
		}
		return append(dst, '}')
	default:
		return append(dst, v.text...)
	}
}

// String returns the value as compact JSON.
func (v *Value) String() string { return string(v.Append(nil)) }

// Start returns at most the first n bytes of the value as compact JSON, and
// whether that is all of it.
func (v *Value) Start(n int) (string, bool) {
	text := v.appendUpTo(nil, n)
	if len(text) <= n {
		return string(text), true
	}
	return string(text[:n]), false
}

// appendQuote quotes s. Text that came from outside JSON (a path, an error)
// may hold bytes that are not UTF-8; they become U+FFFD, as in encoding/json.
func appendQuote(dst []byte, s string) []byte {
	out, err := jsontext.AppendQuote(dst, s)
	if err != nil {
		out, _ = jsontext.AppendQuote(dst, string([]rune(s)))
	}
	return out
}

// Path names the value's place in its document, e.g. process.user.uid or
// mounts[/tmp].options: an element of a list that has a destination or a type
// is named by it, since an index says little to a reader.
func (v *Value) Path() string {
	if v == nil || v.parent == nil {
		return ""
	}
	p := v.parent
	for _, m := range p.members {
		if m.Value == v {
			return join(p.Path(), m.Name)
		}
	}
	for i, e := range p.elems {
		if e == v {
			return p.Path() + "[" + elemName(e, i) + "]"
		}
	}
	return p.Path()
}

func elemName(e *Value, i int) string {
	for _, key := range [...]string{"destination", "type", "path"} {
		if s := e.Get(key).Str(); s != "" {
			return s
		}
	}
	return strconv.Itoa(i)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
