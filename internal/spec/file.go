// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// File is a document on disk, as it was when it was read.
type File struct {
	path string
	data []byte
	stat unix.Stat_t
}

// ReadFile reads a regular file of at most MaxSize. A link, FIFO or device in
// its place is refused without being opened for long.
func ReadFile(path string) (*File, error) { return read(path, path, unix.O_NOFOLLOW) }

// ReadOpen is ReadFile for a file that is open as O_PATH; path says which.
func ReadOpen(fd int, path string) (*File, error) {
	return read("/proc/self/fd/"+strconv.Itoa(fd), path, 0)
}

func read(name, path string, flags int) (*File, error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|flags, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	f := &File{path: path}
	defer unix.Close(fd)
	if err := unix.Fstat(fd, &f.stat); err != nil {
		return nil, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if f.stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if f.stat.Size > MaxSize {
		return nil, fmt.Errorf("%s: %w", path, ErrTooLarge)
	}
	f.data = make([]byte, f.stat.Size+1)
	n := 0
	for n < len(f.data) {
		m, err := unix.Read(fd, f.data[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: path, Err: err}
		}
		if m == 0 {
			break
		}
		n += m
	}
	if n > int(f.stat.Size) {
		return nil, fmt.Errorf("%s grew while it was read", path)
	}
	f.data = f.data[:n]
	return f, nil
}

// Path returns the path the file was read from.
func (f *File) Path() string { return f.path }

// Data returns the bytes that were read.
func (f *File) Data() []byte { return f.data }

// Replace puts data in the file's place: a temporary file in the same folder
// with the original's owner and mode, synced, then renamed over it, so that no
// reader ever sees half a document.
func (f *File) Replace(data []byte) (err error) {
	tmp := f.path + ".runclad-" + strconv.Itoa(os.Getpid())
	fd, err := unix.Open(tmp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return &os.PathError{Op: "create", Path: tmp, Err: err}
	}
	defer func() {
		if err != nil {
			_ = unix.Unlink(tmp)
		}
	}()
	if err := f.fill(fd, data); err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("%s: %w", tmp, err)
	}
	if err := unix.Close(fd); err != nil {
		return &os.PathError{Op: "close", Path: tmp, Err: err}
	}
	if err := unix.Rename(tmp, f.path); err != nil {
		return &os.PathError{Op: "rename to", Path: f.path, Err: err}
	}
	return nil
}

// Restore puts back the bytes that were read.
func (f *File) Restore() error { return f.Replace(f.data) }

func (f *File) fill(fd int, data []byte) error {
	if err := unix.Fchown(fd, int(f.stat.Uid), int(f.stat.Gid)); err != nil {
		return fmt.Errorf("chown: %w", err)
	}
	if err := unix.Fchmod(fd, f.stat.Mode&0o7777); err != nil {
		return fmt.Errorf("chmod: %w", err)
	}
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		data = data[n:]
	}
	if err := unix.Fsync(fd); err != nil {
		return fmt.Errorf("fsync: %w", err)
	}
	return nil
}

// Owner returns the UID and the permission bits that the file had.
func (f *File) Owner() (uid, mode uint32) { return f.stat.Uid, f.stat.Mode & 0o7777 }
