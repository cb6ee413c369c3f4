// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/harden"
	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/policy"
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
		if s.dry {
			st = stage.Dry()
		} else {
			st, err = stage.Open(s.plan.Profile.TmpfsSize)
		}
		return st, err
	}
	why := s.unstaged()
	for _, p := range s.plan.Facts.Places {
		place := harden.Place{Place: p}
		if p.Exec && p.Preset != "" {
			s.note("what is written to %s can be executed: preset %q", p.Path, p.Preset)
		}
		if !p.Empty || p.Why == host.Work {
			if len(p.Layers) == 0 || why != "" {
				why := why
				if why == "" {
					why = "the layers of the rootfs cannot be told"
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
	if why != "" || s.profile.Volumes == "keep" {
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

// unstaged says in a clause why nothing can be staged for the container, ""
// if it can.
func (s *shim) unstaged() string {
	switch {
	case s.plan.Facts.Namespaces["user"].Owner != host.Host:
		return "the container has a user namespace"
	case s.profile.SharedMounts && harden.AsksShared(s.doc):
		// They would be shared with the shim's mount namespace alone.
		return "its mounts are shared with the host"
	}
	return ""
}

// owner says whose files of a place become the container's. The image's own
// user keeps the image's files as they are.
func (s *shim) owner(p host.Place) stage.Owner {
	if s.profile.Identity == policy.IdentityImage {
		return stage.Owner{}
	}
	return stage.Owner{UID: p.UID, GID: p.GID, To: s.plan.UID}
}

func (s *shim) overlay(st *stage.Stage, p host.Place) (string, error) {
	image := s.profile.Identity == policy.IdentityImage // root owns what is root's
	if p.Why == host.Work && !image {
		return st.Beside(p.Layers)
	}
	merged, err := st.Overlay(p.Layers, s.owner(p), p.Exec)
	if err == nil && p.Added && !image {
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
				staged, err = st.Programs(lowers, s.owner(p.Place))
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
	if s.profile.Identity == policy.IdentityImage && (user.UID != 0 || src.UID == 0) {
		return stage.Owner{}, false // it is the owner, or as much of one as it ever was
	}
	if user.UID != 0 {
		return stage.Owner{UID: user.UID, GID: user.GID, To: s.plan.UID}, true
	}
	return stage.Owner{UID: src.UID, GID: src.GID, To: s.plan.UID}, true
}

func (s *shim) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}
