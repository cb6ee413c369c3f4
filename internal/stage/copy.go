// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Copied is what a copy holds.
type Copied struct {
	Path    string
	Files   int
	Bytes   int64
	Skipped int // devices, FIFOs and sockets, which are not copied
}

// Copy copies a directory to the stage's tmpfs. What its owner has is toUID's
// and toGID's in the copy. It does where no overlay can be mounted over the
// directory, for small ones.
func (s *Stage) Copy(d Source, toUID, toGID uint32) (Copied, error) {
	return s.copy(d, func(st *unix.Stat_t) user { return user{st.Uid, st.Gid, toUID, toGID} })
}

// CopyBeside is Copy for what [Stage.Beside] does: all owners stay.
func (s *Stage) CopyBeside(d Source) (Copied, error) {
	c, err := s.copy(d, func(*unix.Stat_t) user { return user{} })
	if err != nil {
		return Copied{}, err
	}
	return c, errors.Join(unix.Chmod(c.Path, addable), s.addTo(c.Path))
}

func (s *Stage) copy(d Source, as func(*unix.Stat_t) user) (Copied, error) {
	from, err := d.open()
	if err != nil {
		return Copied{}, err
	}
	defer unix.Close(from)
	var st unix.Stat_t
	if err := unix.Fstat(from, &st); err != nil {
		return Copied{}, &os.PathError{Op: "stat", Path: d.Path, Err: err}
	}
	target, err := s.folder()
	if err != nil {
		return Copied{}, err
	}
	w := walk{user: as(&st)}
	err = within(unix.AT_FDCWD, target, func(to int) error { return w.copyDir(from, to, &st, 1) })
	if err != nil {
		return Copied{}, errors.Join(fmt.Errorf("copy %s: %w", d.Path, err), os.RemoveAll(target))
	}
	return Copied{Path: target, Files: w.files, Bytes: w.bytes, Skipped: w.skipped}, nil
}

// copyDir copies what is in from, whose status is st, to the empty directory to.
func (w *walk) copyDir(from, to int, st *unix.Stat_t, depth int) error {
	names, err := w.names(from)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := w.next(depth); err != nil {
			return err
		}
		if err := w.copyEntry(from, to, name, depth); err != nil {
			return err
		}
	}
	return w.finish(to, st, st.Mode&0o1777)
}

// copyEntry looks at an entry before it opens it: opening a FIFO waits, and
// opening some devices does things. What is opened is what was looked at.
func (w *walk) copyEntry(from, to int, name string, depth int) error {
	fd, err := unix.Openat(from, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &os.PathError{Op: "stat", Path: name, Err: err}
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		if err := unix.Mkdirat(to, name, 0o700); err != nil {
			return &os.PathError{Op: "mkdir", Path: name, Err: err}
		}
		return within(fd, ".", func(from int) error {
			return within(to, name, func(to int) error { return w.copyDir(from, to, &st, depth+1) })
		})
	case unix.S_IFREG:
		return w.copyFile(fd, to, name, &st)
	case unix.S_IFLNK:
		return w.copyLink(fd, to, name, &st)
	}
	w.skipped++
	return nil
}

func (w *walk) copyFile(fd, to int, name string, st *unix.Stat_t) error {
	if w.bytes+st.Size > maxBytes {
		return fmt.Errorf("it holds more than %d MiB: %w", maxBytes>>20, ErrTooMuch)
	}
	in, err := unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(in)
	out, err := unix.Openat(to, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return &os.PathError{Op: "create", Path: name, Err: err}
	}
	defer unix.Close(out)
	left := int(st.Size) // what is written to it meanwhile is left out
	for left > 0 {
		n, err := unix.Sendfile(out, in, nil, left)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return &os.PathError{Op: "copy", Path: name, Err: err}
		}
		if n == 0 {
			break
		}
		left -= n
		w.bytes += int64(n)
	}
	return w.finish(out, st, st.Mode&0o777)
}

// finish gives an open file or directory its owner, its mode and its time. No
// mode holds a set-user-ID or set-group-ID bit, and no extended attribute, file
// capabilities among them, is copied.
func (w *walk) finish(fd int, st *unix.Stat_t, mode uint32) error {
	uid, gid := w.of(st)
	times := []unix.Timeval{unix.NsecToTimeval(st.Atim.Nano()), unix.NsecToTimeval(st.Mtim.Nano())}
	return errors.Join(unix.Fchown(fd, int(uid), int(gid)), unix.Fchmod(fd, mode), unix.Futimes(fd, times))
}

func (w *walk) copyLink(fd, to int, name string, st *unix.Stat_t) error {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err == nil {
		err = unix.Symlinkat(string(buf[:n]), to, name)
	}
	if err != nil {
		return &os.PathError{Op: "copy link", Path: name, Err: err}
	}
	uid, gid := w.of(st)
	return unix.Fchownat(to, name, int(uid), int(gid), unix.AT_SYMLINK_NOFOLLOW)
}
