// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/audit"
	"github.com/runclad/runclad/internal/block"
	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/harden"
	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/stage"
	"github.com/runclad/runclad/internal/workload"
)

// exec is the line of exec. Who the process is comes from what create recorded,
// never from the engine's process document, which the engine builds from its
// own, unhardened spec.
func (s *shim) exec() error {
	r, err := s.recorded()
	if err != nil {
		return err
	}
	if err := s.loadPolicy(); err != nil {
		return err
	}
	if r == nil {
		if r, err = s.stranger(); err != nil {
			return err
		}
	}
	if err := s.loadProcess(r); err != nil {
		return err
	}
	s.planExec(r)
	switch r.Mode {
	case record.ModeExempted:
		return s.handOffAs(audit.Exempted)
	case record.ModeAudited:
		s.would = harden.Process(s.doc, s.plan)
		return s.handOffAs(audit.Audited)
	}
	grant, err := s.grant(r)
	if err != nil {
		return err
	}
	log := s.log
	if grant != nil {
		s.breakGlass(grant)
		log = func() error { return s.logGlass(grant) }
	}
	if err := harden.Process(s.doc, s.plan); err != nil {
		return err
	}
	if s.record != nil { // the container may have been created and not started
		if err := block.Recorded(s.store, *r); err != nil {
			return err
		}
	}
	if err := s.walk(s.ownStdio, s.shieldNull); err != nil {
		return err
	}
	if s.plan.Userns.Own() {
		if err := stage.EnsureRootDir(); err != nil {
			return err
		}
	}
	fd, err := sealed(s.doc.Bytes())
	if err != nil {
		return err
	}
	if err := log(); err != nil {
		return err
	}
	return s.handOff(s.call.ExecArgv("/proc/self/fd/" + strconv.Itoa(fd)))
}

// planExec takes the container's identity and policy from its record. What the
// record does not hold is as the profile has it now, or the default one if that
// is gone. With identity = "image" the user is whom the engine asks for.
func (s *shim) planExec(r *record.Record) {
	profile := *s.policy.Profile()
	if p := s.policy.Profiles[r.Profile]; p != nil {
		profile = *p
	}
	profile.Capabilities, profile.NewPrivileges, profile.Unconfined = r.Capabilities, r.NewPrivileges, r.Unconfined
	if profile.Identity = r.Identity; r.Identity == "" {
		profile.Identity = policy.IdentityRandom
	}
	s.profile = &profile
	s.workload = workload.Workload{
		Engine: r.Engine, Namespace: r.Namespace, Pod: r.Pod, PodUID: r.PodUID, Name: r.Name, Image: r.Image, SandboxID: r.Sandbox,
	}
	s.plan = &harden.Plan{
		Profile: &profile, Workload: s.workload, Facts: host.Kernel(),
		ContainerID: r.ID, Root: r.Root, Bundle: r.Bundle, UID: r.UID, GID: r.GID, Home: r.Home,
		Userns: recordedUserns(r),
	}
	if profile.Identity == policy.IdentityImage || r.Mode == record.ModeExempted {
		s.plan.UID, s.plan.GID = userIn(s.doc.Root())
	}
}

// userIn returns whom a process document or object names; the runtimes take an
// absent ID for root's.
func userIn(process *spec.Value) (uid, gid uint32) {
	u, _ := process.Get("user", "uid").Uint64()
	g, _ := process.Get("user", "gid").Uint64()
	return uint32(u), uint32(g)
}

// loadProcess reads the engine's process document, or makes one as the runtime
// would: from the container's own process and the flags of the call. What there
// is to be had of it the steps decide.
func (s *shim) loadProcess(r *record.Record) error {
	if s.call.Process != "" {
		file, err := spec.ReadFile(s.call.Process)
		if err != nil {
			return err
		}
		if s.doc, err = spec.ParseProcess(file.Data()); err != nil {
			return fmt.Errorf("%s: %w", file.Path(), err)
		}
		return nil
	}
	if r.Bundle == "" {
		return errors.New("exec without --process needs the container's bundle, which no record names")
	}
	file, err := spec.ReadFile(path.Join(r.Bundle, "config.json"))
	if err != nil {
		return err
	}
	container, err := spec.ParseSpec(file.Data())
	if err != nil {
		return fmt.Errorf("%s: %w", file.Path(), err)
	}
	s.doc = spec.NewProcess(container.Get("process"))
	root, flags := s.doc.Root(), s.call.Exec
	s.doc.As("exec")
	s.doc.Set(root, "args", spec.Texts(s.call.Args...))
	s.doc.Set(root, "terminal", spec.Flag(flags.TTY))
	if flags.Cwd != "" {
		s.doc.Set(root, "cwd", spec.Text(flags.Cwd))
	}
	if len(flags.Env) > 0 {
		s.doc.Set(root, "env", spec.Texts(append(root.Get("env").Strs(), flags.Env...)...))
	}
	if flags.Apparmor != "" {
		s.doc.Set(root, "apparmorProfile", spec.Text(flags.Apparmor))
	}
	if flags.ProcessLabel != "" {
		s.doc.Set(root, "selinuxLabel", spec.Text(flags.ProcessLabel))
	}
	return s.flagPrivileges()
}

// flagPrivileges does what the flags of the call say of user and privileges, as
// runc's getProcess does.
func (s *shim) flagPrivileges() error {
	root, flags := s.doc.Root(), s.call.Exec
	user := s.doc.Ensure(root, "user", spec.Object)
	if flags.User != "" {
		uid, gid, both := strings.Cut(flags.User, ":")
		if err := s.setID(user, "uid", uid); err != nil {
			return err
		}
		if both {
			if err := s.setID(user, "gid", gid); err != nil {
				return err
			}
		}
	}
	if len(flags.AdditionalGids) > 0 {
		groups := []*spec.Value{}
		for _, g := range user.Get("additionalGids").Elems() {
			groups = append(groups, g.Clone())
		}
		for _, g := range flags.AdditionalGids {
			groups = append(groups, spec.Int(int64(g)))
		}
		s.doc.Set(user, "additionalGids", spec.List(groups...))
	}
	if len(flags.Caps) > 0 {
		sets := s.doc.Ensure(root, "capabilities", spec.Object)
		for _, set := range [...]string{"bounding", "effective", "permitted"} {
			s.doc.Set(sets, set, spec.Texts(append(sets.Get(set).Strs(), flags.Caps...)...))
		}
	}
	if flags.NoNewPrivs != nil {
		s.doc.Set(root, "noNewPrivileges", spec.Flag(*flags.NoNewPrivs))
	}
	return nil
}

func (s *shim) setID(user *spec.Value, name, text string) error {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return fmt.Errorf("--user %s: want UID[:GID]", s.call.Exec.User)
	}
	s.doc.Set(user, name, spec.Int(int64(n)))
	return nil
}

// nobody runs what is exec'd into a container of which nothing is known.
const nobody = 65534

// stranger stands in for the record of a container that was created without
// runclad. Where the runtime does not know it either, the runtime says so.
func (s *shim) stranger() (*record.Record, error) {
	known, err := record.StateExists(s.target.flavor.String(), s.root(), s.call.ID)
	if err != nil {
		return nil, err
	}
	if known && !s.policy.Profile().ExecUnrecorded {
		return nil, control.Refuse(control.Exec, "exec_unrecorded = true", "%s", unrecorded)
	}
	s.notes = append(s.notes, "the container was not created through runclad")
	return &record.Record{ID: s.call.ID, Root: s.root(), UID: nobody, GID: nobody, Home: "/", Block: record.BlockAllowed}, nil
}

// sealed returns a descriptor of an unnamed file that can no longer change and
// that survives execve(2): the runtime reads what was checked, and nobody has
// to remove it. The number is high, out of the way of --preserve-fds; the
// runtime closes it before the container's program runs (runc sets O_CLOEXEC
// on all it does not pass on, finalizeNamespace).
func sealed(data []byte) (int, error) {
	fd, err := unix.MemfdCreate("runclad-process", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, fmt.Errorf("memfd_create: %w", err)
	}
	n, err := unix.Pwrite(fd, data, 0)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return -1, fmt.Errorf("write %d bytes to a memfd: %w", len(data), err)
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return -1, fmt.Errorf("seal a memfd: %w", err)
	}
	high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD, 900)
	if err != nil {
		return -1, fmt.Errorf("dup a memfd: %w", err)
	}
	return high, nil
}
