// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"strings"

	"github.com/runclad/runclad/internal/harden"
	"github.com/runclad/runclad/internal/stage"
	"github.com/runclad/runclad/profiles"
)

// stageFileCaps shows programs with file capabilities that the container does
// not have, so that they can be mounted over themselves. Where nothing can be
// staged, why says so in a clause.
func (s *shim) stageFileCaps(opened func() (*stage.Stage, error), why string) error {
	given := uint64(0)
	for _, name := range harden.Capabilities(s.plan, s.doc.Get("process")) {
		if n := profiles.Capability(name); n >= 0 {
			given |= 1 << n
		}
	}
	for _, p := range s.plan.Facts.FileCaps {
		lacks := p.Caps &^ given
		if lacks == 0 {
			continue
		}
		if why != "" {
			s.note("%s does not start, since its file demands %s: %s", p.Path, capabilityNames(lacks), why)
			continue
		}
		stg, err := opened()
		if err != nil {
			return err
		}
		staged, err := stg.Program(s.plan.Facts.RootfsReal + p.Path)
		if err != nil {
			s.note("%s does not start, since its file demands %s: %v", p.Path, capabilityNames(lacks), err)
			continue
		}
		s.note("%s starts without %s, which its file demands", p.Path, capabilityNames(lacks))
		s.plan.FileCaps = append(s.plan.FileCaps, harden.Program{Path: p.Path, Staged: staged})
	}
	return nil
}

func capabilityNames(set uint64) string {
	var out []string
	for n, name := range profiles.Capabilities {
		if set&(1<<n) != 0 {
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}
