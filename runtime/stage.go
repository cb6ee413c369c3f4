// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/harden"
	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/stage"
)

// stage mounts what the spec cannot say: the image's content where it has to be
// writable, and volumes whose owner must be the container's user. What cannot
// be mounted stays as it is, read-only or another's, and the audit line says
// so: that is less than the image may want and never less than was promised.
func (s *shim) stage() error {
	var st *stage.Stage
	opened := func() (*stage.Stage, error) {
		if st != nil {
			return st, nil
		}
		var err error
		st, err = stage.Open(s.plan.Profile.TmpfsSize)
		return st, err
	}
	if err := s.stageUserns(opened); err != nil {
		return err
	}
	userns := s.plan.Facts.Namespaces["user"].Owner != host.Host
	for _, p := range s.plan.Facts.Places {
		place := harden.Place{Place: p}
		if p.Exec {
			s.note("what is written to %s can be executed: preset %q", p.Path, p.Preset)
		}
		if !p.Empty || p.Why == host.Work {
			if len(p.Layers) == 0 || userns {
				why := "the layers of the rootfs cannot be told"
				if userns {
					why = "the container has a user namespace"
				}
				if p.Why != host.Scratch && p.Why != host.Run {
					s.note("%s stays read-only: %s", p.Path, why)
					continue
				}
				s.note("%s is an empty tmpfs and hides what the image has there: %s", p.Path, why)
			} else {
				stg, err := opened()
				if err != nil {
					return err
				}
				if place.Staged, err = s.overlay(stg, p); err != nil {
					s.note("%s stays read-only: %v", p.Path, err)
					continue
				}
				s.programs(stg, &place)
			}
		}
		s.plan.Places = append(s.plan.Places, place)
	}
	if userns {
		return nil
	}
	s.plan.Volumes = map[*spec.Value]string{}
	for _, m := range s.doc.Get("mounts").Elems() {
		owner, ok := s.volumeOwner(m)
		if !ok {
			continue
		}
		stg, err := opened()
		if err != nil {
			return err
		}
		staged, err := stg.Volume(s.plan.Facts.Sources[m].Path, owner)
		if err != nil {
			s.note("the volume at %s keeps its owner: %v", m.Get("destination").Str(), err)
			continue
		}
		s.plan.Volumes[m] = staged
	}
	return nil
}

func (s *shim) overlay(st *stage.Stage, p host.Place) (string, error) {
	if p.Why == host.Work {
		return st.Beside(p.Layers)
	}
	merged, err := st.Overlay(p.Layers, s.owner(p.UID, p.GID), p.Exec)
	if err == nil && p.Added {
		err = st.Add(merged)
	}
	return merged, err
}

// programs has what the image means to be executed in a place stay so. What
// cannot be staged can be read there and not executed, and a note says so.
func (s *shim) programs(st *stage.Stage, p *harden.Place) {
	for _, prog := range p.Programs {
		var staged string
		var err error
		if p.Why == host.Work {
			staged, err = st.Program(s.plan.Facts.RootfsReal + prog.Path)
		} else {
			var lowers []string
			if lowers, err = s.plan.Facts.LayersOf(prog); err == nil && len(lowers) > 0 {
				staged, err = st.Programs(lowers, s.owner(p.UID, p.GID))
			}
		}
		if err != nil || staged == "" {
			s.note("%s cannot be executed: %v", prog.Path, err)
			continue
		}
		p.Runnable = append(p.Runnable, harden.Program{Path: prog.Path, Staged: staged})
	}
}

// volumeOwner says whose files on disk become the container's: those of the
// user that the container was made for, or, where that is root, those of the
// volume's own owner. Files that engines write are for everybody.
func (s *shim) volumeOwner(m *spec.Value) (stage.Owner, bool) {
	src := s.plan.Facts.Sources[m]
	if src.Mode != unix.S_IFDIR && src.Mode != unix.S_IFREG || !harden.OwnerMatters(s.plan, m) {
		return stage.Owner{}, false
	}
	user := s.plan.Facts.User
	if user.UID != 0 {
		return s.owner(user.UID, user.GID), true
	}
	return s.owner(src.UID, src.GID), true
}

func (s *shim) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}
