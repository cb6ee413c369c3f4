// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"path"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// listing is a directory of the image as it was read once. What is asked of many
// paths is answered from there: a system call for each would cost a create more
// than all else that runclad does.
type listing struct {
	dir     string
	fd      int     // -1 if it is not held open
	entries []entry // at most maxEntries
	whole   bool    // nothing is missing in entries
}

type entry struct {
	name string
	mode uint32 // the file type bits of stat(2)
}

const (
	// maxEntries bounds how many entries of a directory are looked at.
	maxEntries = 256
	// maxHeld bounds how many listings are held open.
	maxHeld = 64
)

// listed are the directories of which more than one path is asked, besides
// those that are searched.
var listed = [...]string{"/dev", "/sys"}

// mayList reports whether a directory is worth a listing.
func mayList(dir string) bool {
	for _, d := range searched {
		if d == dir {
			return true
		}
	}
	for _, d := range listed {
		if d == dir {
			return true
		}
	}
	return false
}

// list returns the listing of a directory, links in its path not followed. One
// that cannot be read is empty, and not whole.
func (r *rootfs) list(dir string) *listing {
	for _, l := range r.listings {
		if l.dir == dir {
			return l
		}
	}
	l := &listing{dir: dir, fd: -1}
	r.listings = append(r.listings, l)
	fd, err := r.open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return l
	}
	l.entries, l.whole = entries(fd, maxEntries)
	if r.held < maxHeld {
		r.held++
		l.fd = fd
	} else {
		_ = unix.Close(fd)
	}
	return l
}

// known says what lies at a path and that no link lies on the way, so that the
// path is the real one; ok is false where the listings cannot tell. A mode of 0
// says that there is nothing.
func (r *rootfs) known(p string) (mode uint32, ok bool) {
	dir := "/"
	for at := 1; mayList(dir); {
		end := len(p)
		if i := strings.IndexByte(p[at:], '/'); i >= 0 {
			end = at + i
		}
		l := r.list(dir)
		mode, found := l.mode(p[at:end])
		switch {
		case !found:
			return 0, l.whole
		case end == len(p):
			return mode, mode != unix.S_IFLNK
		case mode != unix.S_IFDIR:
			return 0, false
		}
		dir, at = p[:end], end+1
	}
	return 0, false
}

func (l *listing) mode(name string) (uint32, bool) {
	for i := range l.entries {
		if l.entries[i].name == name {
			return l.entries[i].mode, true
		}
	}
	return 0, false
}

// stat returns the status of what lies at a path without links.
func (r *rootfs) stat(p string) (*unix.Stat_t, error) {
	var st unix.Stat_t
	dir, name := path.Split(p)
	dir = path.Clean(dir)
	for _, l := range r.listings {
		if l.dir == dir && l.fd >= 0 && name != "" {
			if err := unix.Fstatat(l.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
				return nil, err
			}
			return &st, r.ids.toContainer(&st)
		}
	}
	fd, err := r.open(p, unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	return &st, r.ids.toContainer(&st)
}

// empty reports whether a directory has no entries. One that cannot be read is
// taken for empty.
func (r *rootfs) empty(dir string) bool {
	if mayList(dir) {
		return len(r.list(dir).entries) == 0
	}
	fd, err := r.open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return true
	}
	defer unix.Close(fd)
	some, _ := entries(fd, 1)
	return len(some) == 0
}

// entries reads an open directory, up to limit entries, and reports whether
// these are all (getdents64(2)).
func entries(fd, limit int) (out []entry, whole bool) {
	const header = int(unsafe.Offsetof(unix.Dirent{}.Name))
	buf := make([]byte, 8<<10)
	for {
		n, err := unix.Getdents(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return out, err == nil
		}
		for b := buf[:n]; len(b) >= header; {
			e := (*unix.Dirent)(unsafe.Pointer(&b[0]))
			size := int(e.Reclen)
			if size < header || size > len(b) {
				return out, false
			}
			text, _, _ := bytes.Cut(b[header:size], []byte{0})
			b = b[size:]
			name, mode := string(text), uint32(e.Type)<<12
			if name == "." || name == ".." {
				continue
			}
			if len(out) == limit {
				return out, false
			}
			if e.Type == unix.DT_UNKNOWN { // some filesystems do not say
				var st unix.Stat_t
				if unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
					return out, false
				}
				mode = st.Mode & unix.S_IFMT
			}
			out = append(out, entry{name, mode})
		}
	}
}
