// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits on what is read. Docker's largest documents are about 40 kB, a CRI
// container with hundreds of environment variables some 200 kB; the OCI schema
// is nine levels deep.
const (
	MaxSize  = 4 << 20
	maxDepth = 32
)

// Errors that Parse wraps.
var (
	ErrTooLarge = errors.New("document is larger than 4 MiB")
	ErrTooDeep  = errors.New("document is nested deeper than 32 levels")
	ErrKey      = errors.New("ambiguous key")
	ErrShape    = errors.New("value of the wrong type")
)

// parse reads one JSON value and checks it against shape s: duplicate names
// (jsontext refuses them), names that differ from a schema name only in case,
// and values of a type that the schema does not allow.
func parse(data []byte, s *shape) (*Value, error) {
	if len(data) > MaxSize {
		return nil, ErrTooLarge
	}
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	p := parser{dec: dec}
	v, err := p.value(s, 0)
	if err != nil {
		if path := dec.StackPointer(); path != "" {
			return nil, fmt.Errorf("at %s: %w", path, err)
		}
		return nil, err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more text follows the document")
	}
	return v, nil
}

type parser struct{ dec *jsontext.Decoder }

func (p *parser) value(s *shape, depth int) (*Value, error) {
	if depth > maxDepth {
		return nil, ErrTooDeep
	}
	tok, err := p.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	v := &Value{}
	switch tok.Kind() {
	case 'n':
		return v, nil // null is allowed wherever a runtime's decoder skips it
	case 't', 'f':
		v.kind, v.text = Bool, tok.String()
	case '"':
		v.kind, v.text = String, tok.String()
	case '0':
		v.kind, v.text = Number, tok.String()
	case '[':
		v.kind = Array
	case '{':
		v.kind = Object
	}
	if err := s.admits(v); err != nil {
		return nil, err
	}
	switch v.kind {
	case Array:
		err = p.elems(v, s.element(), depth)
	case Object:
		err = p.members(v, s, depth)
	}
	return v, err
}

func (p *parser) elems(v *Value, s *shape, depth int) error {
	for p.dec.PeekKind() != ']' {
		e, err := p.value(s, depth+1)
		if err != nil {
			return err
		}
		e.parent = v
		v.elems = append(v.elems, e)
	}
	_, err := p.dec.ReadToken()
	return err
}

func (p *parser) members(v *Value, s *shape, depth int) error {
	for p.dec.PeekKind() != '}' {
		tok, err := p.dec.ReadToken()
		if err != nil {
			return err
		}
		name := tok.String()
		sub, err := s.member(name)
		if err != nil {
			return err
		}
		m, err := p.value(sub, depth+1)
		if err != nil {
			return err
		}
		m.parent = v
		v.members = append(v.members, Member{Name: name, Value: m})
	}
	_, err := p.dec.ReadToken()
	return err
}

// isInteger reports whether a number literal is one that Go's and C's integer
// decoders take: no fraction, no exponent, within 64 bits.
func isInteger(literal string) bool {
	if _, err := strconv.ParseInt(literal, 10, 64); err == nil {
		return true
	}
	_, err := strconv.ParseUint(literal, 10, 64)
	return err == nil
}
