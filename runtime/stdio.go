// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/argv"
)

// shieldNull puts streams that are the host's /dev/null out of reach. crun gives
// the streams of a container to its user (maybe_chown_std_streams in crun's
// utils.c, which passes over a read-only file); runc leaves this one alone
// (fixStdioPermissions). It would be the container's to change the mode of, for
// every process of the host. What is opened through a mount that is read-only
// can be written to, as it is a device, and has neither owner nor mode changed.
func (s *shim) shieldNull() error {
	if s.target.flavor != argv.Crun {
		return nil
	}
	for fd := range 3 {
		var st unix.Stat_t
		switch err := unix.Fstat(fd, &st); {
		case errors.Is(err, unix.EBADF):
			continue
		case err != nil:
			return fmt.Errorf("stat stream %d: %w", fd, err)
		case st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != unix.Mkdev(1, 3):
			continue
		}
		if err := reopenReadOnly(fd); err != nil {
			return fmt.Errorf("stream %d is /dev/null: %w", fd, err)
		}
	}
	return nil
}

// reopenReadOnly opens /dev/null once more, through a mount of its own that is
// read-only, in the place of fd.
func reopenReadOnly(fd int) error {
	const null = "/dev/null"
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return fmt.Errorf("fcntl: %w", err)
	}
	tree, err := unix.OpenTree(unix.AT_FDCWD, null, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return &os.PathError{Op: "open_tree", Path: null, Err: err}
	}
	defer unix.Close(tree)
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY, Propagation: unix.MS_PRIVATE}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		return &os.PathError{Op: "mount_setattr", Path: null, Err: err}
	}
	again, err := unix.Open("/proc/self/fd/"+strconv.Itoa(tree), flags&(unix.O_ACCMODE|unix.O_APPEND)|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open again", Path: null, Err: err}
	}
	defer unix.Close(again)
	if err := unix.Dup3(again, fd, 0); err != nil {
		return &os.PathError{Op: "dup3", Path: null, Err: err}
	}
	return nil
}
