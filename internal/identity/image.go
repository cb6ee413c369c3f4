// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// imageFileLimit is the largest passwd or group file that is taken from an
// image. Those of distributions have 1 to 3 kB.
const imageFileLimit = 1 << 20

// Given are files that are bound over the image's own, nil for none.
type Given struct{ Passwd, Group []byte }

// FilesFor makes the passwd and group files of a container from those given or,
// where none is, those in its root file system, which are as hostile as the
// image may be. A file of the image that is
// absent, no regular file, too large, binary, or a link that leads nowhere is
// replaced by minimal content, and a note says so. An error means that the host
// could not do its part.
func FilesFor(rootfs string, given Given, u User) (Files, error) {
	root, err := unix.Open(rootfs, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Files{}, &os.PathError{Op: "open", Path: rootfs, Err: err}
	}
	defer unix.Close(root)
	var notes []string
	read := func(name string) ([]byte, error) {
		data, err := readInRoot(root, name)
		if unusable := (*unusableError)(nil); errors.As(err, &unusable) {
			notes = append(notes, "image's /"+name+" not used: "+unusable.why)
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("image %s: %w", rootfs, err)
		}
		return data, nil
	}
	passwd, group := given.Passwd, given.Group
	if passwd == nil {
		if passwd, err = read("etc/passwd"); err != nil {
			return Files{}, err
		}
	}
	if group == nil {
		if group, err = read("etc/group"); err != nil {
			return Files{}, err
		}
	}
	f, err := Build(passwd, group, u)
	f.Notes = notes
	return f, err
}

// unusableError is a fault of the image's.
type unusableError struct{ why string }

func (e *unusableError) Error() string { return e.why }

// readInRoot reads a file of an image as a process in it would see it. Links
// resolve below the root, as openat2(2) with RESOLVE_IN_ROOT does it (Linux
// 5.6); the kernel's magic links are refused. Nothing is opened for reading
// before it is known to be a regular file: opening some devices does things.
func readInRoot(root int, name string) ([]byte, error) {
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	var fd int
	var err error
	for range 16 { // EAGAIN: something was renamed during the walk
		fd, err = unix.Openat2(root, name, &how)
		if err != unix.EAGAIN && err != unix.EINTR {
			break
		}
	}
	switch err {
	case nil:
	case unix.ENOENT:
		return nil, &unusableError{"there is none"}
	case unix.ENOTDIR, unix.ELOOP, unix.ENAMETOOLONG, unix.EACCES, unix.EAGAIN:
		return nil, &unusableError{"it cannot be reached: " + err.Error()}
	case unix.ENOSYS:
		return nil, fmt.Errorf("openat2: %w (needs Linux 5.6)", err)
	default:
		return nil, &os.PathError{Op: "openat2", Path: "/" + name, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, &os.PathError{Op: "stat", Path: "/" + name, Err: err}
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, &unusableError{"it is not a regular file"}
	case st.Size > imageFileLimit:
		return nil, &unusableError{fmt.Sprintf("it has %d bytes, more than %d", st.Size, imageFileLimit)}
	}
	in, err := unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/" + name, Err: err}
	}
	defer unix.Close(in)
	data := make([]byte, st.Size+1)
	have := 0
	for have < len(data) {
		n, err := unix.Read(in, data[have:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: "/" + name, Err: err}
		}
		if n == 0 {
			break
		}
		have += n
	}
	data = data[:have]
	if int64(have) > st.Size {
		return nil, &unusableError{"it grew while it was read"}
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, &unusableError{"it holds NUL bytes"}
	}
	return data, nil
}
