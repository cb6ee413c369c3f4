// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// pid1 is the init of the bed's PID namespace. The program proper runs as its
// child: wait4(-1), which an init needs for the orphans it is given, would take
// the children of os/exec away from it.
func pid1() (int, error) {
	// Wait until the outer process has moved this one to the bed's cgroups:
	// the cgroup namespace made below takes the present cgroup as its root.
	var one [1]byte
	if _, err := unix.Read(3, one[:]); err != nil {
		return 1, fmt.Errorf("wait for the outer process: %w", err)
	}
	_ = unix.Close(3)
	self, err := os.Executable()
	if err != nil {
		return 1, fmt.Errorf("own path: %w", err)
	}
	if err := os.Setenv(stageEnv, stageInside); err != nil {
		return 1, err
	}
	child, err := syscall.ForkExec(self, os.Args, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2},
		Sys:   &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWCGROUP, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return 1, fmt.Errorf("start the program inside: %w", err)
	}
	defer forward(child)()
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 1, fmt.Errorf("wait4: %w", err)
		case pid == child && ws.Exited():
			return ws.ExitStatus(), nil
		case pid == child && ws.Signaled():
			return 128 + int(ws.Signal()), nil
		}
	}
}
