// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/control"
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
	if strings.HasPrefix(s.plan.Facts.RootfsReal, stage.Dir) {
		return control.Refuse(control.Rootfs, "", "the bundle was hardened for another container, and its rootfs was that one's; write config.json anew")
	}
	var st *stage.Stage
	opened := func() (*stage.Stage, error) {
		if st != nil {
			return st, nil
		}
		var err error
		if s.dry {
			st = stage.Dry()
			return st, nil
		}
		st, err = stage.Open(s.plan.Profile.TmpfsSize)
		s.entered = err == nil
		if root, _, ok := s.plan.Facts.IDs.Host(0, 0); ok && err == nil {
			st.ImageRoot = root
		}
		return st, err
	}
	if err := s.stageUserns(opened); err != nil {
		return err
	}
	why := s.unstaged()
	if err := s.stagePlaces(opened, why); err != nil {
		return err
	}
	if err := s.stageFileCaps(opened, why); err != nil {
		return err
	}
	if why != "" {
		return nil
	}
	return s.stageVolumes(opened)
}

// enter makes sure of a mount namespace of the shim's own.
func (s *shim) enter() error {
	if s.entered {
		return nil
	}
	if err := stage.Enter(); err != nil {
		return err
	}
	s.entered = true
	return nil
}

// stagePlaces shows what the image has in its places. Where nothing can be
// staged, why says so in a clause.
func (s *shim) stagePlaces(opened func() (*stage.Stage, error), why string) error {
	for _, p := range s.plan.Facts.Places {
		place := harden.Place{Place: p}
		if p.Exec && p.Preset != "" {
			s.note("what is written to %s can be executed: preset %q", p.Path, p.Preset)
		}
		if !p.Empty || p.Why == host.Work {
			err := errors.New(why)
			if why == "" {
				var stg *stage.Stage
				if stg, err = opened(); err != nil {
					return err
				}
				if place.Staged, err = s.place(stg, p); err == nil {
					s.programs(stg, &place)
				}
			}
			switch {
			case err == nil:
			case p.Why == host.Scratch || p.Why == host.Run:
				s.note("%s is an empty tmpfs and hides what the image has there: %v", p.Path, err)
			default:
				s.note("%s stays read-only: %v; a tmpfs or a volume there would be writable", p.Path, err)
				continue
			}
		}
		s.plan.Places = append(s.plan.Places, place)
	}
	return nil
}

// stageVolumes mounts the binds whose source could be another by the time that
// the runtime mounts it, those that can be with their owner mapped to the
// container's user.
func (s *shim) stageVolumes(opened func() (*stage.Stage, error)) error {
	s.plan.Volumes = map[*spec.Value]harden.Volume{}
	for _, m := range s.doc.Get("mounts").Elems() {
		if !host.IsBind(m) {
			continue
		}
		owner, ok, err := s.volumeOwner(m)
		if err != nil {
			return err
		}
		if !ok && harden.Fixed(s.plan, m) {
			continue
		}
		stg, err := opened()
		if err != nil {
			return err
		}
		v, err := s.volume(stg, m, owner, ok)
		if err != nil {
			err = fmt.Errorf("the source of the mount at %s: %w", m.Get("destination").Str(), err)
			s.adrift = errors.Join(s.adrift, err)
			continue
		}
		s.plan.Volumes[m] = v
	}
	return nil
}

// hold fails a container of which a bind could not be staged, once the steps
// have had their say about what it names.
func (s *shim) hold() error { return s.adrift }

// volume stages a bind. What has no owner to be mapped, or cannot be mapped, is
// shown as it is.
func (s *shim) volume(st *stage.Stage, m *spec.Value, owner stage.Owner, mapped bool) (harden.Volume, error) {
	src, fd := s.plan.Facts.Sources[m], -1
	if !s.dry {
		var err error
		if fd, err = src.Open(); err != nil {
			return harden.Volume{}, err
		}
		defer unix.Close(fd)
	}
	if mapped {
		staged, err := st.Volume(fd, src.Path, &owner)
		if err == nil {
			return harden.Volume{Staged: staged, Mapped: true}, nil
		}
		s.note("the volume at %s keeps its owner: %v", m.Get("destination").Str(), err)
	}
	staged, err := st.Volume(fd, src.Path, nil)
	return harden.Volume{Staged: staged}, err
}

// unstaged says in a clause why nothing can be staged for the container, "" if
// it can.
func (s *shim) unstaged() string {
	if s.profile.SharedMounts && harden.AsksShared(s.doc) {
		// They would be shared with the shim's mount namespace alone.
		return "its mounts are shared with the host"
	}
	return ""
}

// place shows what the image has at a place, in the first of three ways that
// works: an overlay on idmapped copies of its layers; an overlay on the directory
// alone, in which the owner's files are given away one by one; a copy. The audit
// line says so if it is not the first. All three show the same.
func (s *shim) place(st *stage.Stage, p host.Place) (string, error) {
	why := error(nil)
	if len(p.Layers) == 0 {
		why = s.plan.Facts.Untold(p)
	}
	if why == nil {
		var merged string
		if merged, why = s.overlay(st, p); why == nil {
			return merged, nil
		}
	}
	if s.profile.Identity == policy.IdentityImage { // the others give files away
		return "", why
	}
	merged, how, err := s.single(st, p)
	if err != nil && !errors.Is(err, stage.ErrTooMuch) {
		var single error
		if merged, how, single = s.copied(st, p); single != nil {
			err = fmt.Errorf("%w; %w", err, single)
		} else {
			why, err = fmt.Errorf("%w; %w", why, err), nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("%w; %w", why, err)
	}
	s.note("%s is %s: %v", p.Path, how, why)
	return merged, nil
}

// single is the second way. Where nobody's files are to be given away nothing
// has to be counted.
func (s *shim) single(st *stage.Stage, p host.Place) (merged, how string, err error) {
	d := stage.Source{Root: s.plan.Facts.RootfsReal, Path: p.Path}
	if err := s.keepsCode(p); err != nil {
		return "", "", err
	}
	if p.Why == host.Work || p.Why == host.Parts || p.Why == host.Logs {
		merged, err = st.SingleBeside(d)
		return merged, "an overlay on the merged directory", err
	}
	merged, files, err := st.Single(d, s.record.HostUID, s.record.HostGID, p.Exec)
	if err == nil && p.Added {
		err = st.Add(merged)
	}
	return merged, fmt.Sprintf("an overlay on the merged directory, with the owner of %d files changed one by one", files), err
}

// keepsCode says why a place of root's cannot be shown in the second and third
// ways: they give the files of its owner away.
func (s *shim) keepsCode(p host.Place) error {
	switch {
	case (p.Why == host.Work || p.Why == host.Parts) && s.ownsCode():
		return errOwnsCode
	case p.Why == host.Parts && !p.Added:
		return errParts
	}
	return nil
}

// copied is the third.
func (s *shim) copied(st *stage.Stage, p host.Place) (merged, how string, err error) {
	d := stage.Source{Root: s.plan.Facts.RootfsReal, Path: p.Path}
	var c stage.Copied
	if err := s.keepsCode(p); err != nil {
		return "", "", err
	}
	if p.Why == host.Work || p.Why == host.Parts || p.Why == host.Logs {
		c, err = st.CopyBeside(d)
	} else if c, err = st.Copy(d, s.record.HostUID, s.record.HostGID); err == nil && p.Added {
		err = st.Add(c.Path)
	}
	how = fmt.Sprintf("a copy of %d files with %d bytes", c.Files, c.Bytes)
	if c.Skipped > 0 {
		how += fmt.Sprintf(", without %d devices, FIFOs and sockets", c.Skipped)
	}
	return c.Path, how, err
}

func (s *shim) overlay(st *stage.Stage, p host.Place) (string, error) {
	o, err := s.placeOwner(p)
	if err != nil {
		return "", err
	}
	image := s.profile.Identity == policy.IdentityImage // root owns what is root's
	if p.Why == host.Logs && !image {
		return st.Beside(p.Layers, &o)
	}
	if p.Why == host.Parts && !image && !s.asCode(p) {
		if p.Added {
			return st.Beside(p.Layers, &o)
		}
		return st.Overlay(p.Layers, o, p.Exec)
	}
	if p.Why == host.Parts && !image && !p.Added {
		return "", errParts
	}
	if s.asCode(p) && !image {
		return st.Beside(p.Layers, s.codeOwner(o))
	}
	merged, err := st.Overlay(p.Layers, o, p.Exec)
	if err == nil && p.Added && !image {
		err = st.Add(merged)
	}
	return merged, err
}

// programs has what the image means to be executed in a place stay so. What
// cannot be staged can be read there and not executed, and a note says so.
func (s *shim) programs(st *stage.Stage, p *harden.Place) {
	for _, prog := range p.Programs {
		staged, err := s.program(st, p.Place, prog)
		if err != nil || staged == "" {
			// With its own owner, then: it can be executed if others may.
			staged, err = st.Program(s.plan.Facts.RootfsReal + prog.Path)
		}
		if err != nil {
			s.note("%s cannot be executed: %v", prog.Path, err)
			continue
		}
		p.Runnable = append(p.Runnable, harden.Program{Path: prog.Path, Staged: staged})
	}
}

// program shows a program with the owner mapped as in its place; "" where there
// is nothing to map.
func (s *shim) program(st *stage.Stage, p host.Place, prog host.Program) (string, error) {
	if s.asCode(p) || len(p.Layers) == 0 {
		return "", nil
	}
	lowers, err := s.plan.Facts.LayersOf(prog)
	if err != nil || len(lowers) == 0 {
		return "", err
	}
	o, err := s.placeOwner(p)
	if err != nil {
		return "", err
	}
	return st.Programs(lowers, o)
}

func (s *shim) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}
