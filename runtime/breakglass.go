// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"errors"
	"fmt"
	"time"

	"github.com/runclad/runclad/internal/audit"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/spec"
)

// grant returns what runcladctl break-glass allows an exec into the container,
// nil if nothing. One that has ended changes nothing; one that runclad would not
// have written stops the exec, since somebody tried.
func (s *shim) grant(r *record.Record) (*record.Grant, error) {
	if s.record == nil || r.Mode != record.ModeEnforced {
		return nil, nil // exec into others is not held back
	}
	g, err := s.store.Grant(*r, record.Now)
	switch {
	case errors.Is(err, record.ErrNoGrant):
		return nil, nil
	case errors.Is(err, record.ErrGrantOver):
		s.notes = append(s.notes, err.Error())
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%w; runcladctl break-glass --end %s removes it", err, r.ID)
	}
	return &g, nil
}

// breakGlass has the process run as the grant says: its user and its
// capabilities, whatever the engine asks for. The rest of the hardening stays.
func (s *shim) breakGlass(g *record.Grant) {
	s.plan.UID, s.plan.GID, s.plan.Granted = g.UID, g.GID, true
	s.profile.Identity, s.profile.NewPrivileges, s.profile.Capabilities = policy.IdentityRandom, false, g.Capabilities
	s.doc.As("break-glass")
	s.doc.Set(s.doc.Root(), "capabilities", spec.Map(spec.M("effective", spec.Texts(g.Capabilities...))))
}

// logGlass appends the audit line of an exec under a grant. Without it there is
// none, whatever the policy says of the audit log.
func (s *shim) logGlass(g *record.Grant) error {
	e := s.entry(audit.BreakGlass)
	e.Reason = fmt.Sprintf("%s (granted by %s until %s)", g.Reason, g.Who, g.Until.UTC().Format(time.RFC3339))
	return s.auditLog().Append(e.Line())
}
