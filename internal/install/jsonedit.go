// SPDX-License-Identifier: Apache-2.0

package install

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A JSON file of somebody else's is changed where the change is and nowhere
// else: order, indentation and the spelling of values stay.

// member of an object, by where it stands in the text.
type member struct {
	name              string
	start, value, end int // of the name, of the value, after the value
}

// object is one object in a text.
type object struct {
	start, end int // of the brace, after the closing one
	members    []member
}

// scan reads the object that begins at text[start].
func scan(text []byte, start int) (object, error) {
	o := object{start: start}
	d := jsontext.NewDecoder(bytes.NewReader(text[start:]))
	at := func() int { return start + int(d.InputOffset()) }
	if t, err := d.ReadToken(); err != nil {
		return o, err
	} else if t.Kind() != '{' {
		return o, errors.New("not one JSON object")
	}
	o.start = at() - 1
	for d.PeekKind() != '}' {
		name, err := d.ReadValue()
		if err != nil {
			return o, err
		}
		unquoted, err := jsontext.AppendUnquote(nil, name)
		if err != nil {
			return o, err
		}
		m := member{name: string(unquoted), start: at() - len(name)}
		v, err := d.ReadValue()
		if err != nil {
			return o, err
		}
		m.value, m.end = at()-len(v), at()
		o.members = append(o.members, m)
	}
	if _, err := d.ReadToken(); err != nil {
		return o, err
	}
	o.end = at()
	return o, nil
}

// parseObject reads a text that is one object and nothing more. Names that
// occur twice are an error: programs differ in which one they take.
func parseObject(text []byte) (object, error) {
	o, err := scan(text, 0)
	if err != nil {
		return o, err
	}
	d := jsontext.NewDecoder(bytes.NewReader(text[o.end:]))
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return o, errors.New("not one JSON object")
	}
	return o, nil
}

func (o *object) find(name string) (member, int) {
	for i, m := range o.members {
		if m.name == name {
			return m, i
		}
	}
	return member{}, -1
}

// lookup returns the value at a path of names, nil if there is none.
func lookup(text []byte, path ...string) (jsontext.Value, error) {
	o, err := parseObject(text)
	for {
		if err != nil {
			return nil, err
		}
		m, i := o.find(path[0])
		if i < 0 {
			return nil, nil
		}
		if path = path[1:]; len(path) == 0 {
			return text[m.value:m.end], nil
		}
		o, err = scan(text, m.value)
	}
}

// set puts a value at a path of names, which makes the objects on the way.
func set(text []byte, value string, path ...string) ([]byte, error) {
	o, err := parseObject(text)
	if err != nil {
		return nil, err
	}
	unit := "  "
	if in, ok := o.indent(text); ok && in != "" {
		unit = in
	}
	multi, outer := true, ""
	for {
		in, ok := o.indent(text)
		if ok {
			multi = true
		} else if len(o.members) > 0 {
			multi = false
		}
		if !ok {
			in = outer + unit
		}
		m, i := o.find(path[0])
		if i >= 0 && len(path) > 1 {
			if o, err = scan(text, m.value); err != nil {
				return nil, fmt.Errorf("%s: %w", path[0], err)
			}
			path, outer = path[1:], in
			continue
		}
		for len(path) > 1 {
			value = fmt.Sprintf("{%q:%s}", path[len(path)-1], value)
			path = path[:len(path)-1]
		}
		v := jsontext.Value(value)
		if multi {
			err = v.Indent(jsontext.WithIndentPrefix(in), jsontext.WithIndent(unit))
		} else {
			err = v.Compact()
		}
		if err != nil {
			return nil, err
		}
		if i >= 0 {
			return splice(text, m.value, m.end, string(v)), nil
		}
		line := fmt.Sprintf("%q: %s", path[0], v)
		switch {
		case len(o.members) == 0 && multi:
			return splice(text, o.start+1, o.end-1, "\n"+in+line+"\n"+outer), nil
		case len(o.members) == 0:
			return splice(text, o.start+1, o.end-1, line), nil
		case multi:
			line = ",\n" + in + line
		default:
			line = ", " + line
		}
		end := o.members[len(o.members)-1].end
		return splice(text, end, end, line), nil
	}
}

// unset removes the member at a path of names, if there is one.
func unset(text []byte, path ...string) ([]byte, error) {
	o, err := parseObject(text)
	for {
		if err != nil {
			return nil, err
		}
		m, i := o.find(path[0])
		if i < 0 {
			return text, nil
		}
		if path = path[1:]; len(path) > 0 {
			o, err = scan(text, m.value)
			continue
		}
		switch {
		case len(o.members) == 1:
			return splice(text, o.start+1, o.end-1, ""), nil
		case i == len(o.members)-1:
			return splice(text, o.members[i-1].end, m.end, ""), nil
		default:
			return splice(text, m.start, o.members[i+1].start, ""), nil
		}
	}
}

// indent is what stands before the first member, if it has a line of its own.
func (o *object) indent(text []byte) (string, bool) {
	if len(o.members) == 0 {
		return "", false
	}
	before := string(text[o.start+1 : o.members[0].start])
	i := strings.LastIndexByte(before, '\n')
	return before[i+1:], i >= 0
}

func splice(text []byte, from, to int, with string) []byte {
	out := append([]byte{}, text[:from]...)
	out = append(out, with...)
	return append(out, text[to:]...)
}

// sameJSON compares what two texts mean.
func sameJSON(a, b []byte) bool {
	x, y := jsontext.Value(bytes.Clone(a)), jsontext.Value(bytes.Clone(b))
	return x.Canonicalize() == nil && y.Canonicalize() == nil && bytes.Equal(x, y)
}
