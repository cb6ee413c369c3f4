// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// scratchParent is on a disk, not on a tmpfs: the engines' data roots are below
// it, and real ones are on ext4, xfs or btrfs.
const scratchParent = "/var/tmp"

// outer makes the bed, runs the program in it and clears up.
func outer() (code int, err error) {
	sweep()
	name := fmt.Sprintf("runclad-bed-%d", os.Getpid())
	scratch := filepath.Join(scratchParent, name)
	lock, err := makeScratch(scratch)
	if err != nil {
		return 1, err
	}
	defer lock.Close()
	groups, err := makeGroups(name)
	if err != nil {
		return 1, errors.Join(err, clear(name, scratch))
	}
	before := snapshot()
	code, err = runInit(scratch, groups)
	if leaks := leftBehind(name, before, groups); len(leaks) > 0 {
		for _, l := range leaks {
			fmt.Fprintf(os.Stderr, "bed: left behind: %s\n", l)
		}
		if code == 0 {
			code = 1
		}
	}
	return code, errors.Join(err, clear(name, scratch))
}

// makeScratch makes the bed's folder on disk and locks it for as long as the
// bed lives, which is how [sweep] tells a dead bed from a live one.
func makeScratch(scratch string) (*os.File, error) {
	if err := os.Mkdir(scratch, 0o711); err != nil {
		return nil, fmt.Errorf("scratch folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(scratch, "lock"), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock of the scratch folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	if err := os.Mkdir(filepath.Join(scratch, "tmp"), 0o711); err != nil {
		return nil, fmt.Errorf("scratch folder: %w", err)
	}
	return f, nil
}

// sweep removes what beds left whose outer process was killed with SIGKILL.
// Their processes are gone already (the parent-death signal), only empty
// cgroups and files remain.
func sweep() {
	found, _ := filepath.Glob(filepath.Join(scratchParent, "runclad-bed-*"))
	for _, scratch := range found {
		f, err := os.OpenFile(filepath.Join(scratch, "lock"), os.O_RDWR|syscall.O_CLOEXEC, 0)
		if err != nil {
			continue // being made or being removed right now
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			if err := clear(filepath.Base(scratch), scratch); err != nil {
				fmt.Fprintf(os.Stderr, "bed: an earlier bed: %v\n", err)
			}
		}
		f.Close()
	}
}

// clear removes the bed's cgroups and files.
func clear(name, scratch string) error {
	var errs []error
	for _, h := range hierarchies() {
		errs = append(errs, removeGroup(filepath.Join(h.parent(), name)))
	}
	if err := os.RemoveAll(scratch); err != nil {
		errs = append(errs, fmt.Errorf("remove the scratch folder: %w", err))
	}
	return errors.Join(errs...)
}

// runInit starts PID 1 in its namespaces, moves it to the bed's cgroups, lets
// it go on, and waits for it.
func runInit(scratch string, groups []string) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 1, fmt.Errorf("own path: %w", err)
	}
	wait, goOn, err := os.Pipe()
	if err != nil {
		return 1, fmt.Errorf("pipe: %w", err)
	}
	cmd := &exec.Cmd{
		Path:   self,
		Args:   os.Args,
		Env:    append(os.Environ(), stageEnv+"="+stageInit, scratchEnv+"="+scratch),
		Stdin:  os.Stdin,
		Stdout: os.Stdout,
		Stderr: os.Stderr,
		// File descriptor 3: see pid1.
		ExtraFiles: []*os.File{wait},
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
				syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
			Pdeathsig: syscall.SIGKILL,
		},
	}
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("start the bed's PID 1 (needs CAP_SYS_ADMIN): %w", err)
	}
	wait.Close()
	if err := joinGroups(groups, cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return 1, err
	}
	stop := forward(cmd.Process.Pid)
	goOn.Close()
	err = cmd.Wait()
	stop()
	return exitCode(cmd.ProcessState, err)
}

// forward passes the signals that end a program on to pid.
func forward(pid int) (stop func()) {
	ch := make(chan os.Signal, 8)
	signal.Notify(ch, unix.SIGINT, unix.SIGTERM, unix.SIGQUIT, unix.SIGHUP, unix.SIGUSR1)
	go func() {
		for s := range ch {
			if s, ok := s.(syscall.Signal); ok {
				_ = unix.Kill(pid, s)
			}
		}
	}()
	return func() { signal.Stop(ch); close(ch) }
}

// exitCode turns the way a process ended into a shell's exit status.
func exitCode(ps *os.ProcessState, err error) (int, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 1, fmt.Errorf("wait for the bed's PID 1: %w", err)
	}
	if ws, ok := ps.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return ps.ExitCode(), nil
}
