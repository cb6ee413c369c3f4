// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Owner says whose files become the container's: those that UID and GID own on
// disk are shown as To's, and what To makes is theirs on disk. All other owners
// stay who they are. The zero Owner maps nothing.
type Owner struct {
	UID, GID uint32 // on disk
	To       uint32 // the container's UID and GID on the host
}

// maxID is the last ID but one: the last stands for none (user_namespaces(7)).
const maxID = 1<<32 - 2

// mapping swaps one ID for another and leaves all others as they are, but for
// the one that was swapped in, which nobody owns on disk.
func mapping(onDisk, shown uint32) []syscall.SysProcIDMap {
	var m []syscall.SysProcIDMap
	same := func(first, last int64) {
		if first <= last {
			m = append(m, syscall.SysProcIDMap{ContainerID: int(first), HostID: int(first), Size: int(last - first + 1)})
		}
	}
	lo, hi := min(onDisk, shown), max(onDisk, shown)
	same(0, int64(lo)-1)
	m = append(m, syscall.SysProcIDMap{ContainerID: int(onDisk), HostID: int(shown), Size: 1})
	if lo != hi {
		same(int64(lo)+1, int64(hi)-1)
	}
	same(int64(hi)+1, maxID)
	return m
}

// idmap returns a user namespace that maps IDs for mount_setattr(2): in
// uid_map's terms, what is inside is on disk, what is outside is shown.
//
// A user namespace is made by a process and lives with it or with a descriptor
// (namespaces(7)). The process here is stopped at its first instruction by
// ptrace(2) and killed once the descriptor is open; it never runs.
func idmap(o Owner) (fd int, err error) {
	runtime.LockOSThread() // ptrace is a thread's
	defer runtime.UnlockOSThread()
	proc, err := os.StartProcess("/proc/self/exe", []string{"runclad-idmap"}, &os.ProcAttr{
		Sys: &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: mapping(o.UID, o.To),
			GidMappings: mapping(o.GID, o.To),
			Ptrace:      true,
			Pdeathsig:   syscall.SIGKILL,
		},
	})
	if err != nil {
		return -1, fmt.Errorf("make a user namespace that shows %d:%d as %d: %w", o.UID, o.GID, o.To, err)
	}
	defer func() {
		_ = proc.Kill()
		_, _ = proc.Wait()
	}()
	var status unix.WaitStatus
	if _, err := unix.Wait4(proc.Pid, &status, 0, nil); err != nil || !status.Stopped() {
		return -1, fmt.Errorf("wait for the process of a user namespace: %w", err)
	}
	file := fmt.Sprintf("/proc/%d/ns/user", proc.Pid)
	fd, err = unix.Open(file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: file, Err: err}
	}
	return fd, nil
}
