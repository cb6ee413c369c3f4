// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/runclad/runclad/internal/argv"
	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/harden"
	"github.com/runclad/runclad/internal/hook"
	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/profiles"
	"github.com/runclad/runclad/profiles/filter"
)

// decide makes every choice about the container that the policy leaves open, so
// that the steps need not: host facts, identity, filter, and how the metadata
// block gets there.
func (s *shim) decide() error {
	profile := s.profile
	if s.call.Verb == argv.Restore && !profile.Restore {
		return s.refuse(control.Restore, "restore = true",
			"a checkpoint brings its own credentials and system call filter, which no spec can change")
	}
	facts, err := host.Gather(s.call.Bundle, s.doc, profile)
	if err != nil {
		return err
	}
	s.notes = append(s.notes, facts.Notes...)
	facts.Devices = host.Devices(profile.Devices)
	if !s.dry {
		if facts.CgroupInUse, err = host.InUse(s.doc.Get("linux", "cgroupsPath").Str()); err != nil {
			return fmt.Errorf("linux.cgroupsPath: %w", err)
		}
	}
	s.plan = &harden.Plan{
		Profile: profile, Workload: s.workload, Facts: facts,
		ContainerID: s.call.ID, Bundle: s.call.Bundle, Root: s.root(),
	}
	if err := s.decideSeccomp(); err != nil {
		return err
	}
	if err := s.decideIdentity(); err != nil {
		return err
	}
	return s.decideBlock()
}

// decideSeccomp makes the filter from the generated profile and the engine's, or
// takes the engine's as it is.
func (s *shim) decideSeccomp() error {
	asked, level := s.doc.Get("linux", "seccomp"), s.plan.Profile.Seccomp
	switch {
	case level == policy.SeccompUnconfined, level == policy.SeccompKeep && asked != nil:
		s.plan.Seccomp = asked.Clone()
		return nil
	case level == policy.SeccompKeep:
		level = profiles.LevelDefault
	}
	text, notes, err := profiles.Meet(profiles.Options{
		Capabilities: harden.Capabilities(s.plan, s.doc.Get("process")),
		Level:        level,
		Device:       harden.GivenDevice(s.plan, s.doc),
		Runtime:      s.target.flavor.String(),
	}, asked)
	switch {
	case errors.Is(err, filter.ErrFilter), errors.Is(err, profiles.ErrTail):
		return s.refuse(control.Seccomp, "", "the engine's %s", err)
	case err != nil:
		return fmt.Errorf("seccomp: %w", err)
	}
	s.plan.Seccomp = spec.Raw(text)
	s.notes = append(s.notes, notes...)
	return nil
}

// decideBlock chooses where the metadata block is set: at once where the
// network namespace exists already (CRI pods, shared namespaces) or can be made
// by the shim; by start where the runtime makes it; by a hook where no start
// comes.
func (s *shim) decideBlock() error {
	r := s.record
	if s.plan.Profile.TaskCredentials == "block" {
		r.TaskCredentials = "block"
	}
	network := s.plan.Facts.Namespaces["network"]
	switch {
	case s.plan.Profile.Metadata == "allow", network.Owner == host.Host: // the namespaces step judges the host's network
		r.Block = record.BlockAllowed
	case network.Owner == host.Joined:
		r.Block = record.BlockAtCreate
	case s.pinnable():
		r.Block = record.BlockAtCreate
		s.plan.Network = s.store.Path(*r, record.NetnsName)
		s.files = append(s.files, record.File{Name: record.NetnsName})
	case s.call.Verb == argv.Create:
		r.Block = record.BlockAtStart
	default:
		r.Block = record.BlockByHook
		exe, err := os.Readlink("/proc/self/exe")
		if err != nil {
			return err
		}
		if strings.HasSuffix(exe, " (deleted)") {
			return errors.New("runclad was replaced on disk while it ran; call it again")
		}
		s.plan.Hook = hook.Entry(exe, r.Root, r.ID)
	}
	return nil
}

// pinnable reports whether the shim can make the container's network namespace.
// One that goes with a user namespace has to belong to that; a restored one has
// its interfaces and connections in the checkpoint; and the name that it gets
// lasts as long as a mount namespace of the shim's.
func (s *shim) pinnable() bool {
	return s.call.Verb != argv.Restore && s.plan.Facts.Namespaces["user"].Owner == host.Host && !s.plan.Userns.Own() &&
		s.unstaged() == ""
}
