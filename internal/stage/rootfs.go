// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// RootDir is where the stage has a container's rootfs.
const RootDir = Dir + "/rootfs"

// EnsureRootDir makes sure that there is a directory at RootDir on the host as
// well. runc starts in the rootfs that it knows from its state when it joins a
// container (commandTemplate in libcontainer/container_linux.go).
func EnsureRootDir() error { return ensure(Dir, RootDir) }

func ensure(dirs ...string) error {
	for _, dir := range dirs {
		if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// Rootfs shows the merged content of lowers, topmost first, at RootDir with the
// owners mapped. The runtime can make mount points in it, and makes it
// read-only.
func (s *Stage) Rootfs(lowers []string, o Owner) error {
	if s.dry {
		return nil
	}
	merged, err := s.overlay(lowers, &o, 0, true)
	if err == nil {
		err = ensure(RootDir)
	}
	if err != nil {
		return err
	}
	if err := unix.Mount(merged, RootDir, "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move %s to %s: %w", merged, RootDir, err)
	}
	return nil
}

// Sysfs returns a path at which /sys is shown as in the network namespace at
// netns; "" stands for the caller's. A container with a user namespace of its
// own cannot mount it itself for a network that the namespace does not own
// (sysfs_init_fs_context in fs/sysfs/mount.c).
func (s *Stage) Sysfs(netns string) (string, error) {
	return s.kernelFS("sysfs", netns, unix.CLONE_NEWNET, "net")
}

// Mqueue is Sysfs for the message queues of the IPC namespace at ipcns.
func (s *Stage) Mqueue(ipcns string) (string, error) {
	return s.kernelFS("mqueue", ipcns, unix.CLONE_NEWIPC, "ipc")
}

func (s *Stage) kernelFS(fstype, ns string, kind int, name string) (string, error) {
	if s.dry {
		return s.next(), nil
	}
	dir, err := s.folder()
	if err != nil {
		return "", err
	}
	return dir, InNamespace(ns, kind, name, func() error {
		flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
		if fstype == "sysfs" {
			flags |= unix.MS_RDONLY
		}
		if err := unix.Mount(fstype, dir, fstype, flags, ""); err != nil {
			return fmt.Errorf("mount %s on %s: %w", fstype, dir, err)
		}
		return nil
	})
}

// InNamespace runs f in the namespace at path ns, of the given CLONE_NEW… kind
// and name under /proc/PID/ns; "" stands for the caller's own. The thread, which
// must be locked to its goroutine, is back in its own afterwards, or the error
// says that it is not.
func InNamespace(ns string, kind int, name string, f func() error) error {
	if ns == "" {
		return f()
	}
	own := "/proc/thread-self/ns/" + name
	back, err := unix.Open(own, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: own, Err: err}
	}
	defer unix.Close(back)
	to, err := unix.Open(ns, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: ns, Err: err}
	}
	defer unix.Close(to)
	if err := unix.Setns(to, kind); err != nil {
		return &os.PathError{Op: "setns", Path: ns, Err: err}
	}
	err = f()
	if back := unix.Setns(back, kind); back != nil {
		err = errors.Join(err, &os.PathError{Op: "return to", Path: own, Err: back})
	}
	return err
}
