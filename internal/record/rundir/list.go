// SPDX-License-Identifier: Apache-2.0

package rundir

import (
	"bytes"
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Names lists the folder name below d ("" for d itself), in no order. A folder
// that is absent has no names.
func (d Dir) Names(name string) ([]string, error) {
	if name == "" {
		name = "." // a descriptor of its own: the read position is not shared
	}
	s, err := d.OpenDir(name)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var names []string
	buf := make([]byte, 4096)
	for {
		n, err := getdents(s.fd, buf)
		if errors.Is(err, unix.ENOENT) {
			return nil, nil // removed since it was opened, so it was empty
		}
		if err != nil {
			return nil, s.fail("readdir", "", err)
		}
		if n == 0 {
			return names, nil
		}
		names, _ = parseEntries(names, buf[:n])
	}
}

// chunkSize is the size of the buffer that Chunk reads entries into: room for
// three names of up to thirteen bytes, or one of up to seventy-six.
const chunkSize = 3 * 32

// Chunk returns the few names that follow the given position, and the position
// after them, which is 0 once the end is reached. A position is the d_off of
// getdents64(2). Linux file systems keep it meaningful across close and open,
// since NFS exports need that; one that has become meaningless costs an entry
// passed over or seen twice, no more.
func (d Dir) Chunk(pos int64) (names []string, next int64, err error) {
	s, err := d.OpenDir(".")
	if err != nil {
		return nil, 0, err
	}
	defer s.Close()
	if pos > 0 {
		if _, err := unix.Seek(s.fd, pos, unix.SEEK_SET); err != nil {
			return nil, 0, nil
		}
	}
	buf := make([]byte, chunkSize)
	for len(names) == 0 { // the first entries may be . and ..
		n, err := getdents(s.fd, buf)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
			return nil, 0, nil // a longer name than ours, or a stale position
		}
		if err != nil {
			return nil, 0, s.fail("readdir", "", err)
		}
		if n == 0 {
			return nil, 0, nil
		}
		names, next = parseEntries(names, buf[:n])
	}
	return names, next, nil
}

func getdents(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Getdents(fd, buf)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// parseEntries appends the names in buf, which the kernel has filled with
// struct linux_dirent64, and returns the position after the last of them.
func parseEntries(names []string, buf []byte) (all []string, next int64) {
	const header = int(unsafe.Offsetof(unix.Dirent{}.Name))
	for len(buf) >= header {
		e := (*unix.Dirent)(unsafe.Pointer(&buf[0]))
		size := int(e.Reclen)
		if size < header || size > len(buf) {
			break
		}
		name, _, _ := bytes.Cut(buf[header:size], []byte{0})
		if s := string(name); s != "." && s != ".." {
			names = append(names, s)
		}
		next = e.Off
		buf = buf[size:]
	}
	return names, next
}
