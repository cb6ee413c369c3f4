// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"errors"

	"github.com/runclad/runclad/internal/block"
	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/record"
)

// start lets a created container run, once the metadata block stands.
func (s *shim) start() error {
	r, err := s.recorded()
	if err != nil {
		return err
	}
	if r == nil {
		known, err := record.StateExists(s.target.flavor.String(), s.root(), s.call.ID)
		if err != nil {
			return err
		}
		if known {
			return control.Refuse(control.Metadata, "", "%s", unrecorded)
		}
		return s.handOff(s.call.Argv()) // the runtime says best that it knows no such container
	}
	if err := block.Recorded(s.store, *r); err != nil {
		return err
	}
	return s.handOff(s.call.Argv())
}

const unrecorded = "the container has no record: it was not created through runclad, or its record was removed, and nothing is known of its hardening; create it anew"

// recorded returns the record of the container that the call is about, nil if
// there is none.
func (s *shim) recorded() (*record.Record, error) {
	if err := s.openStore(); err != nil {
		return nil, err
	}
	r, err := s.store.Read(s.root(), s.call.ID)
	if errors.Is(err, record.ErrNoRecord) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s.record = &r
	return &r, nil
}

func (s *shim) openStore() (err error) {
	s.store, err = record.Open(record.DefaultDir)
	return err
}
