// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

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
			UidMappings: mapping(o.UID, o.ToUID, o.uids()),
			GidMappings: mapping(o.GID, o.ToGID, o.gids()),
			Ptrace:      true,
			Pdeathsig:   syscall.SIGKILL,
		},
	})
	if err != nil {
		return -1, fmt.Errorf("make a user namespace that shows %d:%d as %d:%d: %w", o.UID, o.GID, o.ToUID, o.ToGID, err)
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
