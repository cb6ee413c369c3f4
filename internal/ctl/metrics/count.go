// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/ctl/node"
)

// fileID names a file of the log by its first line.
func fileID(head []byte) string {
	sum := sha256.Sum256(head)
	return hex.EncodeToString(sum[:12])
}

// countLog counts the lines that have come since the last collection. Offsets of
// files that are gone are forgotten.
func (s *state) countLog(logs []string) error {
	files, err := auditlog.Files(logs...)
	if err != nil {
		return err
	}
	read := map[string]int64{}
	var errs []error
	for _, f := range files {
		head, err := auditlog.Head(f.Path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if len(head) == 0 {
			continue
		}
		id := fileID(head)
		if _, twice := read[id]; twice {
			continue // compressed just now: the old file is still there
		}
		inFallback := len(logs) > 1 && f.Log == logs[len(logs)-1]
		end, err := auditlog.From(f.Path, s.Read[id], func(l auditlog.Line) error {
			s.count(l, inFallback)
			return nil
		})
		read[id] = end
		if err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		s.Read = read
	} else { // what could not be read this time is not forgotten
		for id, end := range read {
			s.Read[id] = end
		}
	}
	return errors.Join(errs...)
}

func (s *state) count(l auditlog.Line, inFallback bool) {
	if inFallback {
		s.add(&fallback, 1)
	}
	e := l.Entry
	if e == nil {
		s.add(&broken, 1)
		return
	}
	verb := e.Verb
	if !slices.Contains(auditlog.Verbs[:], verb) {
		verb = "other" // what the engine made of the command line must not make series
	}
	s.add(&decisions, 1, verb, e.Decision, e.Engine, e.Profile)
	if e.Creates() && (e.Decision == auditlog.Exempted || e.Decision == auditlog.Audited) {
		e.Changes, e.Notes = nil, nil
		s.LetPass[e.Container] = e
	}
	for _, c := range e.RefusedBy() {
		s.add(&refusals, 1, c)
	}
	if verb == auditlog.Grant || verb == auditlog.End {
		return // runcladctl wrote it, not the shim
	}
	if s.Durations[verb] == nil {
		s.Durations[verb] = &distribution{}
	}
	s.Durations[verb].observe(e.DurationMS / 1000)
}

// forget drops those that were let pass and are gone. One whose line is young may
// not be there yet.
func (s *state) forget(list []*node.Container, now time.Time) {
	there := map[string]bool{}
	for _, c := range list {
		there[c.ID] = true
	}
	maps.DeleteFunc(s.LetPass, func(id string, e *auditlog.Entry) bool { return !there[id] && now.Sub(e.Time) > time.Hour })
}

// countHits adds what the blocks of live network namespaces have refused since
// they were last looked at. A namespace whose counter has fallen is another one,
// or its block was made anew: all of it is new.
func (s *state) countHits(live map[string]*node.Live) {
	seen := map[string]map[string]uint64{}
	for ns, l := range live {
		seen[ns] = map[string]uint64{}
		for _, h := range l.Hits {
			before := s.Hits[ns][h.Addr]
			if h.Packets < before {
				before = 0
			}
			provider := h.Provider
			if provider == "" {
				provider = "source routing"
			}
			if n := h.Packets - before; n > 0 {
				s.add(&blocked, float64(n), provider)
			}
			seen[ns][h.Addr] = h.Packets
		}
	}
	s.Hits = seen
}
