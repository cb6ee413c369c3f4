// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// decode reads what encode writes, and nothing else: every field of the record's
// version, none twice (jsontext refuses that), none unknown. It reads tokens rather than a tree,
// because every exec waits for it.
func decode(data []byte) (Record, error) {
	var r Record
	fields := r.fields()
	var seen [Version + 1]int
	version := 0
	d := decoder{jsontext.NewDecoder(bytes.NewReader(data))}
	err := d.object(func(name string) error {
		if name == "version" {
			return d.scalar(&version)
		}
		for _, f := range fields {
			if f.name == name {
				seen[f.since]++
				return d.value(f.at)
			}
		}
		return errors.New("unknown field")
	})
	if version > Version {
		return Record{}, fmt.Errorf("written by a newer runclad (version %d, this one knows %d)", version, Version)
	}
	if err != nil {
		return Record{}, err
	}
	if version < oldest {
		return Record{}, fmt.Errorf("version %d", version)
	}
	for _, f := range fields {
		if f.since <= version {
			seen[f.since]--
		}
	}
	for since, off := range seen {
		if off != 0 {
			return Record{}, fmt.Errorf("version %d: %d fields of version %d too many or too few", version, off, since)
		}
	}
	return r, r.check()
}

type decoder struct{ dec *jsontext.Decoder }

// object calls member for each name; member must read the value.
func (d decoder) object(member func(name string) error) error {
	if err := d.open('{'); err != nil {
		return err
	}
	for d.dec.PeekKind() != '}' {
		tok, err := d.dec.ReadToken()
		if err != nil {
			return err
		}
		name := tok.String()
		if err := member(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	if _, err := d.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("more text follows the object")
	}
	return nil
}

func (d decoder) value(at any) error {
	switch at := at.(type) {
	case *[]string:
		return array(d, at)
	case *[]uint32:
		return array(d, at)
	}
	return d.scalar(at)
}

func array[T any](d decoder, at *[]T) error {
	if err := d.open('['); err != nil {
		return err
	}
	for d.dec.PeekKind() != ']' {
		var v T
		if err := d.scalar(&v); err != nil {
			return err
		}
		*at = append(*at, v)
	}
	_, err := d.dec.ReadToken()
	return err
}

func (d decoder) scalar(at any) error {
	tok, err := d.dec.ReadToken()
	if err != nil {
		return err
	}
	if b, ok := at.(*bool); ok {
		if tok.Kind() != 't' && tok.Kind() != 'f' {
			return fmt.Errorf("want true or false, have %s", tok.Kind())
		}
		*b = tok.Bool()
		return nil
	}
	if s, ok := at.(*string); ok {
		if tok.Kind() != '"' {
			return fmt.Errorf("want a string, have %s", tok.Kind())
		}
		*s = tok.String()
		return nil
	}
	if tok.Kind() != '0' {
		return fmt.Errorf("want a number, have %s", tok.Kind())
	}
	switch at := at.(type) {
	case *int:
		*at, err = strconv.Atoi(tok.String())
	case *uint32:
		var n uint64
		n, err = strconv.ParseUint(tok.String(), 10, 32)
		*at = uint32(n)
	case *uint64:
		*at, err = strconv.ParseUint(tok.String(), 10, 64)
	}
	return err
}

func (d decoder) open(kind jsontext.Kind) error {
	tok, err := d.dec.ReadToken()
	if err != nil {
		return err
	}
	if tok.Kind() != kind {
		return fmt.Errorf("want %s, have %s", kind, tok.Kind())
	}
	return nil
}
