// SPDX-License-Identifier: Apache-2.0

package rundir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrUntrusted is wrapped by Open for a folder that somebody other than root
// could have filled.
var ErrUntrusted = errors.New("cannot be trusted")

// Dir is an open folder. It stays open until Close or until the process
// executes another program.
type Dir struct {
	path string
	fd   int
}

const openDir = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC

// Open opens the folder at an absolute path, and makes it, with mode 0700, if
// it is absent. It is an ErrUntrusted if the folder or the one above it does
// not belong to the process's user, is writable by others, or is a symbolic
// link. (A sticky folder above, such as /tmp, will do: nobody else can put
// another folder in place of ours.)
func Open(path string) (Dir, error) {
	if !filepath.IsAbs(path) {
		return Dir{}, fmt.Errorf("open %s: not an absolute path", path)
	}
	fd, err := unix.Open(path, openDir, 0)
	if err == unix.ENOENT {
		if err := unix.Mkdir(path, 0o700); err != nil && err != unix.EEXIST {
			return Dir{}, &os.PathError{Op: "mkdir", Path: path, Err: err}
		}
		fd, err = unix.Open(path, openDir, 0)
	}
	if err == unix.ENOTDIR || err == unix.ELOOP {
		return Dir{}, fmt.Errorf("open %s: %w: it is not a folder", path, ErrUntrusted)
	}
	if err != nil {
		return Dir{}, &os.PathError{Op: "open", Path: path, Err: err}
	}
	d := Dir{path: path, fd: fd}
	if err := d.check(); err != nil {
		d.Close()
		return Dir{}, err
	}
	return d, nil
}

// Named returns a folder that is not opened: it has a Path, and everything else
// fails with EBADF.
func Named(path string) Dir { return Dir{path: path, fd: -1} }

func (d Dir) check() error {
	var st unix.Stat_t
	if err := unix.Fstat(d.fd, &st); err != nil {
		return d.fail("stat", "", err)
	}
	me := uint32(unix.Geteuid())
	if st.Uid != me {
		return fmt.Errorf("%s %w: it belongs to user %d, not to user %d", d.path, ErrUntrusted, st.Uid, me)
	}
	if st.Mode&0o077 != 0 {
		return fmt.Errorf("%s %w: its mode is %#o, not 0700", d.path, ErrUntrusted, st.Mode&0o7777)
	}
	if err := unix.Fstatat(d.fd, "..", &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return d.fail("stat", "..", err)
	}
	if st.Uid != me && st.Uid != 0 || st.Mode&0o022 != 0 && st.Mode&unix.S_ISVTX == 0 {
		return fmt.Errorf("%s %w: others can replace it, since the folder above belongs to user %d and has mode %#o", d.path, ErrUntrusted, st.Uid, st.Mode&0o7777)
	}
	return nil
}

// Sub opens the folder name below d, and makes it if it is absent.
func (d Dir) Sub(name string) (Dir, error) {
	s, err := d.OpenDir(name)
	if !errors.Is(err, unix.ENOENT) {
		return s, err
	}
	if err := d.Mkdir(name); err != nil && !errors.Is(err, unix.EEXIST) {
		return Dir{}, err
	}
	return d.OpenDir(name)
}

// OpenDir opens the folder name below d.
func (d Dir) OpenDir(name string) (Dir, error) {
	fd, err := unix.Openat(d.fd, name, openDir, 0)
	if err != nil {
		return Dir{}, d.fail("open", name, err)
	}
	return Dir{path: d.Path(name), fd: fd}, nil
}

// Close closes the folder.
func (d Dir) Close() { _ = unix.Close(d.fd) }

// Path returns the absolute path of name below d.
func (d Dir) Path(name string) string {
	if name == "" {
		return d.path
	}
	return d.path + "/" + name
}

// Mkdir makes a folder with mode 0700. It fails with EEXIST if name exists.
func (d Dir) Mkdir(name string) error {
	return d.fail("mkdir", name, unix.Mkdirat(d.fd, name, 0o700))
}

// Symlink makes name a symbolic link with the given text. It fails with EEXIST
// if name exists.
func (d Dir) Symlink(text, name string) error {
	return d.fail("symlink", name, unix.Symlinkat(text, d.fd, name))
}

// Readlink returns the text of the symbolic link name.
func (d Dir) Readlink(name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(d.fd, name, buf)
	if err != nil {
		return "", d.fail("readlink", name, err)
	}
	return string(buf[:n]), nil
}

// Rename puts from in the place of to. A folder can only take the place of
// nothing or of an empty folder (rename(2): ENOTEMPTY or EEXIST otherwise).
func (d Dir) Rename(from, to string) error {
	return d.fail("rename", from, unix.Renameat(d.fd, from, d.fd, to))
}

// Exists reports whether there is anything at name, a dangling link included.
func (d Dir) Exists(name string) (bool, error) {
	var st unix.Stat_t
	switch err := unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err {
	case nil:
		return true, nil
	case unix.ENOENT:
		return false, nil
	default:
		return false, d.fail("stat", name, err)
	}
}

// Unlink removes the file or link name; that it is absent is no error.
func (d Dir) Unlink(name string) error {
	err := unix.Unlinkat(d.fd, name, 0)
	if err == unix.ENOENT {
		return nil
	}
	return d.fail("unlink", name, err)
}

// Rmdir removes the folder name if it is empty, and reports whether it is gone.
func (d Dir) Rmdir(name string) (bool, error) {
	switch err := unix.Unlinkat(d.fd, name, unix.AT_REMOVEDIR); err {
	case nil, unix.ENOENT:
		return true, nil
	case unix.ENOTEMPTY, unix.EEXIST:
		return false, nil
	default:
		return false, d.fail("rmdir", name, err)
	}
}

// Clear removes the folder name with the files in it. The expected ones go first,
// in their order, without looking whether they are there; the folder is listed
// only if others remain. That it is absent is no error.
func (d Dir) Clear(name string, expected ...string) error {
	for _, n := range expected {
		if err := d.Unlink(name + "/" + n); err != nil {
			return err
		}
	}
	if gone, err := d.Rmdir(name); gone || err != nil {
		return err
	}
	names, err := d.Names(name)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := d.Unlink(name + "/" + n); err != nil {
			return err
		}
	}
	_, err = d.Rmdir(name)
	return err
}

func (d Dir) fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: op, Path: d.Path(name), Err: err}
}
