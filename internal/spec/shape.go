// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"strings"
)

// shape is what the OCI schema says of a value. The tables in zz_shape.go are
// generated from the runtime-spec's Go types, static data without cost at
// start-up. A nil shape admits anything: it stands below unknown names.
type shape struct {
	kind   shapeKind
	fields []field // struct: sorted by folded name
	elem   *shape  // list and mapping
}

type field struct {
	fold  string // the name, folded as encoding/json folds
	name  string
	shape *shape
}

type shapeKind uint8

const (
	anything shapeKind = iota
	boolean
	integer
	text
	list
	mapping    // object whose names are data: annotations, sysctls
	structured // object whose names are the schema's
)

var shapeKinds = [...]Kind{Null, Bool, Number, String, Array, Object, Object}

func (s *shape) admits(v *Value) error {
	if s == nil || s.kind == anything {
		return nil
	}
	if want := shapeKinds[s.kind]; v.kind != want {
		return fmt.Errorf("%w: want %s, have %s", ErrShape, want, v.kind)
	}
	if s.kind == integer && !isInteger(v.text) {
		return fmt.Errorf("%w: want an integer, have %s", ErrShape, v.text)
	}
	return nil
}

func (s *shape) element() *shape {
	if s == nil {
		return nil
	}
	return s.elem
}

// member returns the shape below name. A name that folds to one of the schema's
// but is not that name is refused: runc would read it, crun would not.
func (s *shape) member(name string) (*shape, error) {
	if s == nil || s.kind != structured {
		return s.element(), nil
	}
	folded := fold(name)
	lo, hi := 0, len(s.fields)
	for lo < hi {
		mid := (lo + hi) / 2
		if s.fields[mid].fold < folded {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(s.fields) || s.fields[lo].fold != folded {
		return nil, nil
	}
	if f := s.fields[lo]; f.name != name {
		return nil, fmt.Errorf("%w: %q differs only in case from %q", ErrKey, name, f.name)
	}
	return s.fields[lo].shape, nil
}

// fold lower-cases as encoding/json does when it matches names: Unicode simple
// folding, in which two characters outside ASCII fold to ASCII letters: the
// Kelvin sign to k and the long s to s.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case r == '\u212a':
			return 'k'
		case r == '\u017f':
			return 's'
		}
		return r
	}, name)
}
