// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"strconv"
	"strings"
)

// Document is a spec (config.json) or a process document under edit. Every
// change is recorded with the name of the step that made it.
type Document struct {
	root     *Value
	step     string
	changes  []Change
	warnings []string
}

// Change is one edit: the step that made it, the place, and the values before
// and after; nil stands for absent.
type Change struct {
	Step, Path string
	From, To   *Value
}

// The minor version of the OCI runtime-spec whose fields runclad knows.
const knownMinor = 3

// ParseSpec reads a config.json. The ociVersion must have major version 1; a
// newer minor than runclad knows is a warning, since the specification
// promises that it only adds fields.
func ParseSpec(data []byte) (*Document, error) {
	d, err := parseDocument(data, &shapeSpec)
	if err != nil {
		return nil, err
	}
	version := d.root.Get("ociVersion").Str()
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(minor)
	switch {
	case major != "1" || err != nil:
		return nil, fmt.Errorf("ociVersion %q: runclad knows version 1 of the OCI runtime specification", version)
	case n > knownMinor:
		d.warnings = append(d.warnings, fmt.Sprintf("ociVersion %s is newer than 1.%d: fields that runclad does not know are passed on unchecked", version, knownMinor))
	}
	return d, nil
}

// ParseProcess reads the process document of `exec --process`.
func ParseProcess(data []byte) (*Document, error) { return parseDocument(data, &shapeProcess) }

func parseDocument(data []byte, s *shape) (*Document, error) {
	root, err := parse(data, s)
	if err != nil {
		return nil, err
	}
	if root.kind != Object {
		return nil, fmt.Errorf("%w: want object, have %s", ErrShape, root.kind)
	}
	return &Document{root: root}, nil
}

// NewProcess returns a document whose root is a copy of the given process.
func NewProcess(process *Value) *Document { return &Document{root: process.Clone()} }

// Get walks down from the root; see Value.Get.
func (d *Document) Get(names ...string) *Value { return d.root.Get(names...) }

// Root returns the document's root object.
func (d *Document) Root() *Value { return d.root }

// Changes returns the edits so far, in order.
func (d *Document) Changes() []Change { return d.changes }

// Warnings returns what is odd about the document but no reason to refuse it.
func (d *Document) Warnings() []string { return d.warnings }

// As names the step to which the following edits are ascribed.
func (d *Document) As(step string) { d.step = step }

// Set gives the object v a member. Setting an equal value changes nothing.
func (d *Document) Set(v *Value, name string, to *Value) {
	for i := range v.members {
		m := &v.members[i]
		if m.Name != name {
			continue
		}
		from := m.Value
		if from.Equal(to) {
			return
		}
		to.parent = v
		m.Value = to
		d.record(join(v.Path(), name), from, to)
		return
	}
	to.parent = v
	v.members = append(v.members, Member{Name: name, Value: to})
	d.record(join(v.Path(), name), nil, to)
}

// Delete removes a member of the object v, if it is there.
func (d *Document) Delete(v *Value, name string) {
	for i, m := range v.Members() {
		if m.Name == name {
			d.record(join(v.Path(), name), m.Value, nil)
			v.members = append(v.members[:i:i], v.members[i+1:]...)
			return
		}
	}
}

// Ensure returns the object at the named member of v, made if absent.
func (d *Document) Ensure(v *Value, name string, kind Kind) *Value {
	if got := v.Get(name); got != nil {
		return got
	}
	made := &Value{kind: kind}
	made.parent = v
	for i := range v.members {
		if v.members[i].Name == name { // null
			v.members[i].Value = made
			return made
		}
	}
	v.members = append(v.members, Member{Name: name, Value: made})
	return made
}

// Add appends an element to the array v.
func (d *Document) Add(v, elem *Value) {
	elem.parent = v
	v.elems = append(v.elems, elem)
	d.record(elem.Path(), nil, elem)
}

// Remove takes elem out of its array.
func (d *Document) Remove(elem *Value) {
	p := elem.parent
	for i, e := range p.Elems() {
		if e == elem {
			d.record(elem.Path(), elem, nil)
			p.elems = append(p.elems[:i:i], p.elems[i+1:]...)
			return
		}
	}
}

// record keeps from as it is: it has left the document, and nothing changes it any
// more. An engine's filter alone is some 800 values.
func (d *Document) record(path string, from, to *Value) {
	if from.Kind() == Null {
		from = nil
	}
	d.changes = append(d.changes, Change{Step: d.step, Path: path, From: from, To: to.Clone()})
}

// Bytes returns the document as compact JSON.
func (d *Document) Bytes() []byte { return d.root.Append(make([]byte, 0, 64<<10)) }

// ParseValue reads any JSON value, without a schema.
func ParseValue(data []byte) (*Value, error) { return parse(data, nil) }

// Insert puts an element before index i of the array v.
func (d *Document) Insert(v *Value, i int, elem *Value) {
	elem.parent = v
	v.elems = append(v.elems[:i:i], append([]*Value{elem}, v.elems[i:]...)...)
	d.record(elem.Path(), nil, elem)
}
