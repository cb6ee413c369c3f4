// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"errors"
	"slices"

	"github.com/runclad/runclad/internal/audit"
	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/identity"
	"github.com/runclad/runclad/internal/record"
)

// observe is the line of a container whose rule says mode = "audit": it is
// walked for the audit line alone. Whatever would have stopped the container is
// the line's reason, and the container starts as its engine asked.
func (s *shim) observe() error {
	s.dry = true
	s.would = s.walk(s.admit, s.decide, s.stage, s.apply)
	if s.record == nil { // it did not come as far as that
		if err := s.plainRecord(); err != nil {
			return err
		}
	}
	s.record.Mode, s.record.Block, s.record.Exemptions = record.ModeAudited, record.BlockAllowed, nil
	s.files = nil
	if err := s.walk(s.remember); err != nil {
		return err
	}
	return s.handOffAs(audit.Audited)
}

// exempt is the line of a container that the policy leaves as it is.
func (s *shim) exempt() error {
	if err := s.plainRecord(); err != nil {
		return err
	}
	s.record.Mode = record.ModeExempted
	s.record.UID, s.record.GID = userIn(s.doc.Get("process"))
	if err := s.walk(s.remember); err != nil {
		return err
	}
	return s.handOffAs(audit.Exempted)
}

// handOffAs writes the audit line and becomes the runtime with the engine's own
// document and arguments.
func (s *shim) handOffAs(decision string) error {
	if err := s.logAs(decision); err != nil {
		return err
	}
	return s.handOff(s.args[1:])
}

// plainRecord starts the record of a container of which nothing is changed. It
// claims a UID all the same, which nothing runs as: by its claim the record of a
// container that is gone is found.
func (s *shim) plainRecord() error {
	claims, err := identity.Open(s.store)
	if err != nil {
		return err
	}
	self, err := record.Self()
	if err != nil {
		return err
	}
	request := s.request(self)
	request.Owner.Sandbox = ""
	id, err := claims.Claim(request)
	if err != nil {
		return err
	}
	s.onFailure(func() { _ = claims.Release(request.Owner, id) })
	s.record = s.newRecord(self, id)
	s.record.UID, s.record.GID, s.record.HostUID, s.record.HostGID = id.UID, id.GID, id.HostUID, id.HostGID
	s.record.Block = record.BlockAllowed
	return nil
}

// controlsOf lists the controls that an error of the line names.
func controlsOf(err error) []string {
	var ids []string
	for _, r := range refusalsOf(err) {
		ids = append(ids, r.Control.ID)
	}
	return ids
}

// allowOf lists the policy lines that an error of the line names.
func allowOf(err error) []string {
	var lines []string
	for _, r := range refusalsOf(err) {
		if r.Allow != "" && !slices.Contains(lines, r.Allow) {
			lines = append(lines, r.Allow)
		}
	}
	return lines
}

func refusalsOf(err error) control.Refusals {
	var rs control.Refusals
	var r *control.Refusal
	switch {
	case errors.As(err, &rs):
		return rs
	case errors.As(err, &r):
		return control.Refusals{r}
	}
	return nil
}
