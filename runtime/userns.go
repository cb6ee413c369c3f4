// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/argv"
	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/harden"
	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/identity"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/stage"
)

// decideUserns notes that the container's process is root in a user namespace,
// its own or the engine's.
func (s *shim) decideUserns(id identity.Identity) {
	switch {
	case id.Block:
		s.record.IDs = identity.BlockSize
		s.note("the container's IDs 0 to %d are %d to %d on the host", identity.BlockSize-1, id.HostUID, id.HostUID+identity.BlockSize-1)
	case id.UID == 0:
		s.record.IDs = 1
		s.note("the container's UID 0 is %d on the host", id.HostUID)
	}
	s.plan.Userns = recordedUserns(s.record)
}

// recordedUserns is what a record says about it.
func recordedUserns(r *record.Record) *harden.Userns {
	switch r.IDs {
	case 0:
		return nil
	case identity.BlockSize:
		return &harden.Userns{Host: r.HostUID}
	}
	return &harden.Userns{}
}

// stageUserns mounts what the container's own user namespace needs: the rootfs
// with its owners mapped, and what the kernel lets only the owner of a network
// or IPC namespace mount, where these are not the container's own.
func (s *shim) stageUserns(opened func() (*stage.Stage, error)) error {
	u := s.plan.Userns
	if !u.Own() {
		return nil
	}
	st, err := opened()
	if err != nil {
		return err
	}
	facts := s.plan.Facts
	if err := s.joinable(); err != nil {
		return err
	}
	layers, err := facts.RootLayers()
	if err == nil {
		err = st.Rootfs(layers, stage.Owner{ToUID: u.Host, ToGID: u.Host, IDs: s.blockIDs()})
	}
	if err != nil {
		return s.refuse(control.Identity, `identity = "random"`,
			"the rootfs cannot be shown to a user namespace of the container's own (it takes Linux 5.19 and a filesystem that can be idmapped): %s", err)
	}
	u.Rootfs = stage.RootDir
	if ns := facts.Namespaces["network"]; ns.Owner != host.Own {
		if u.Sysfs, err = st.Sysfs(ns.Path); err != nil {
			return err
		}
	}
	if ns := facts.Namespaces["ipc"]; ns.Owner != host.Own {
		if u.Mqueue, err = st.Mqueue(ns.Path); err != nil {
			return err
		}
	}
	if s.dry {
		return nil
	}
	return s.joinedSysctls()
}

// joinable returns an error where the runtime could make the container and not
// exec into it. runc before 1.3 joins the user namespace of a container before
// all others, and is then not privileged over a network or IPC namespace that
// belongs to another (opencontainers/runc#4492). The version costs a process,
// and is asked for in this case alone.
func (s *shim) joinable() error {
	ns := s.plan.Facts.Namespaces
	if s.target.flavor != argv.Runc || ns["network"].Owner == host.Own && ns["ipc"].Owner == host.Own {
		return nil
	}
	out, err := s.output("--version")
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(out), "\n")
	if version := strings.TrimPrefix(first, "runc version "); !sinceMinor(version, 1, 3) {
		return s.refuse(control.Identity, `identity = "random"`,
			"the container joins a network or IPC namespace, and %q cannot exec into one that also has a user namespace of its own; runc 1.3 and crun can", first)
	}
	return nil
}

// sinceMinor reports whether a version is MAJOR.MINOR or later. What cannot be
// read is not.
func sinceMinor(version string, major, minor int) bool {
	a, rest, _ := strings.Cut(version, ".")
	b, _, _ := strings.Cut(rest, ".")
	x, err := strconv.Atoi(a)
	y, yerr := strconv.Atoi(b)
	return err == nil && yerr == nil && (x > major || x == major && y >= minor)
}

// joinedSysctls sets the sysctls that the container's root cannot, as the
// runtime would set them without a user namespace.
func (s *shim) joinedSysctls() error {
	for _, c := range harden.JoinedSysctls(s.doc, s.plan) {
		typ := harden.SysctlNamespace(c.Name)
		ns := s.plan.Facts.Namespaces[typ]
		if ns.Owner != host.Joined || !harden.SysctlAllowed(s.plan, c.Name) {
			continue // the steps refuse it
		}
		kind, name := unix.CLONE_NEWNET, "net"
		if typ == "ipc" {
			kind, name = unix.CLONE_NEWIPC, "ipc"
		}
		file := "/proc/sys/" + strings.ReplaceAll(c.Name, ".", "/")
		err := stage.InNamespace(ns.Path, kind, name, func() error { return writeSysctl(file, c.Value.Str()) })
		if err != nil {
			return fmt.Errorf("sysctl %s: %w", c.Name, err)
		}
	}
	return nil
}

func writeSysctl(file, value string) error {
	fd, err := unix.Open(file, unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: file, Err: err}
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(value)); err != nil {
		return &os.PathError{Op: "write", Path: file, Err: err}
	}
	return nil
}

// ownStdio gives pipes that the engine has made for the container's streams to
// the container's user, so that it can open /dev/stdout. The runtime does that
// itself where it is root on the host (fixStdioPermissions in runc); where it is
// root in a user namespace, the engine's pipes are not its to give.
func (s *shim) ownStdio() error {
	if !s.plan.Userns.Own() {
		return nil
	}
	for fd := range 3 {
		var st unix.Stat_t
		err := unix.Fstat(fd, &st)
		if err == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO {
			err = unix.Fchown(fd, int(s.record.HostUID), int(s.record.HostGID))
		}
		if err != nil && err != unix.EBADF {
			return fmt.Errorf("give stream %d to the container's user: %w", fd, err)
		}
	}
	return nil
}
