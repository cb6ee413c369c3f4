// SPDX-License-Identifier: Apache-2.0

package rundir

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Create writes a new file with the given mode; what others may do with it does
// not depend on the umask. It fails with EEXIST if name exists. Nothing is synced: run state does not
// outlive the kernel that it describes.
func (d Dir) Create(name string, mode uint32, data []byte) error {
	fd, err := d.open(name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, mode)
	if err != nil {
		return err
	}
	if mode&0o077 != 0 {
		err = unix.Fchmod(fd, mode)
	}
	for err == nil && len(data) > 0 {
		var n int
		n, err = unix.Write(fd, data)
		if errors.Is(err, unix.EINTR) {
			err = nil
			continue
		}
		data = data[max(n, 0):]
	}
	if cerr := unix.Close(fd); err == nil {
		err = cerr
	}
	return d.fail("write", name, err)
}

// Read returns the content of a regular file of at most limit bytes.
func (d Dir) Read(name string, limit int) ([]byte, error) { return d.read(name, limit, nil) }

// ReadPrivate is Read for a file that nobody but the process's user may ever have
// written or read: it is an ErrUntrusted if another owns it, or may by its mode.
func (d Dir) ReadPrivate(name string, limit int) ([]byte, error) {
	return d.read(name, limit, func(st *unix.Stat_t) error {
		if st.Uid != uint32(unix.Geteuid()) || st.Mode&0o077 != 0 || st.Nlink != 1 {
			return fmt.Errorf("%s %w: it belongs to user %d, its mode is %04o, and it has %d names; want user %d, 0600 and one",
				d.Path(name), ErrUntrusted, st.Uid, st.Mode&0o7777, st.Nlink, unix.Geteuid())
		}
		return nil
	})
}

func (d Dir) read(name string, limit int, check func(*unix.Stat_t) error) ([]byte, error) {
	fd, err := d.open(name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, d.fail("stat", name, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, fmt.Errorf("%s is not a regular file", d.Path(name))
	}
	if check != nil {
		if err := check(&st); err != nil {
			return nil, err
		}
	}
	if st.Size > int64(limit) {
		return nil, fmt.Errorf("%s is larger than %d bytes", d.Path(name), limit)
	}
	buf := make([]byte, st.Size+1)
	n := 0
	for n < len(buf) {
		m, err := unix.Read(fd, buf[n:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, d.fail("read", name, err)
		}
		if m == 0 {
			return buf[:n], nil
		}
		n += m
	}
	return nil, fmt.Errorf("%s grew while it was read", d.Path(name))
}

// Cursor returns the number kept in the file name, 0 if there is none, and puts
// next(number) in its place. Two processes at once may get the same number.
func (d Dir) Cursor(name string, next func(int64) int64) error {
	fd, err := d.open(name, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var buf [8]byte
	if _, err := unix.Pread(fd, buf[:], 0); err != nil {
		return d.fail("read", name, err)
	}
	at := int64(0)
	for _, b := range buf {
		at = at<<8 | int64(b)
	}
	at = next(at)
	for i := range buf {
		buf[i] = byte(at >> (56 - 8*i))
	}
	_, err = unix.Pwrite(fd, buf[:], 0)
	return d.fail("write", name, err)
}

func (d Dir) open(name string, flags int, mode uint32) (int, error) {
	for {
		fd, err := unix.Openat(d.fd, name, flags|unix.O_CLOEXEC, mode)
		if err != unix.EINTR {
			return fd, d.fail("open", name, err)
		}
	}
}
