// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What a directory may hold for the ways that take time or memory by the file.
const (
	maxFiles = 4096
	maxBytes = 32 << 20
	maxDepth = 64
)

// Source is a directory of a root filesystem: Path lies below Root and holds no
// symbolic link.
type Source struct{ Root, Path string }

// open opens it by its name, nothing on the way being followed.
func (d Source) open() (int, error) {
	root, err := unix.Open(d.Root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: d.Root, Err: err}
	}
	defer unix.Close(root)
	fd, err := unix.Openat2(root, strings.TrimPrefix(d.Path, "/"), &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return -1, &os.PathError{Op: "open in the image", Path: d.Path, Err: err}
	}
	return fd, nil
}

// user stands in for the owner of a directory.
type user struct{ fromUID, fromGID, toUID, toGID uint32 }

func (u user) of(st *unix.Stat_t) (uid, gid uint32) {
	uid, gid = st.Uid, st.Gid
	if uid == u.fromUID {
		uid = u.toUID
	}
	if gid == u.fromGID {
		gid = u.toGID
	}
	return uid, gid
}

// Single returns a path at which a directory is shown by an overlay of its own,
// the directory being the only layer, in which all that its owner has was given
// to toUID and toGID: file by file, and without their content being copied
// (metacopy, Linux 4.19). It does for a directory whose layers cannot be told or
// idmapped. n is the number of files looked at.
func (s *Stage) Single(d Source, toUID, toGID uint32, exec bool) (merged string, n int, err error) {
	if s.dry {
		return s.next() + mergedName, 0, nil
	}
	fd, err := d.open()
	if err != nil {
		return "", 0, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", 0, &os.PathError{Op: "stat", Path: d.Path, Err: err}
	}
	dir, err := s.single(fd, 0, ",metacopy=on", exec)
	if err != nil {
		return "", 0, fmt.Errorf("overlay of %s alone: %w", d.Path, err)
	}
	w := walk{user: user{st.Uid, st.Gid, toUID, toGID}}
	if err := w.giveTop(dir + "/merged"); err != nil {
		return "", 0, errors.Join(fmt.Errorf("overlay of %s alone: %w", d.Path, err), discard(dir))
	}
	return dir + "/merged", w.files, nil
}

// SingleBeside is Beside for a directory whose layers cannot be told.
func (s *Stage) SingleBeside(d Source) (string, error) {
	if s.dry {
		return s.next() + mergedName, nil
	}
	fd, err := d.open()
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	dir, err := s.single(fd, addable, "", false)
	if err != nil {
		return "", fmt.Errorf("overlay of %s alone: %w", d.Path, err)
	}
	return dir + "/merged", s.addTo(dir + "/merged")
}

func (s *Stage) single(fd int, mode uint32, options string, exec bool) (string, error) {
	dir, names, err := s.lowers([]string{"/proc/self/fd/" + strconv.Itoa(fd)}, nil, "upper", "work", "merged")
	if err != nil {
		return "", err
	}
	if err := like(dir+"/upper", dir+"/"+names[0], mode); err != nil {
		return "", err
	}
	var flags uintptr = unix.MS_NOEXEC
	if exec {
		flags = 0
	}
	return dir, mountOverlay(dir, "lowerdir="+names[0]+",upperdir=upper,workdir=work,xino=off,index=off"+options, flags)
}

// discard gives back the memory of an overlay that was given up. The layer
// beside it is the image's own and is left alone.
func discard(dir string) error {
	if err := unix.Unmount(dir+"/merged", unix.MNT_DETACH); err != nil {
		return &os.PathError{Op: "unmount", Path: dir + "/merged", Err: err}
	}
	return errors.Join(os.RemoveAll(dir+"/upper"), os.RemoveAll(dir+"/work"))
}

// ErrTooMuch is wrapped where a directory holds more than is looked at or copied.
var ErrTooMuch = errors.New("too much")

// walk goes through a directory tree by descriptors.
type walk struct {
	user
	files   int
	bytes   int64
	skipped int // devices, FIFOs and sockets
}

// next counts an entry.
func (w *walk) next(depth int) error {
	if w.files++; w.files > maxFiles {
		return fmt.Errorf("it holds more than %d files: %w", maxFiles, ErrTooMuch)
	}
	if depth > maxDepth {
		return fmt.Errorf("it is deeper than %d directories: %w", maxDepth, ErrTooMuch)
	}
	return nil
}

// names lists an open directory, as far as the bound on files.
func (w *walk) names(fd int) ([]string, error) {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	d := os.NewFile(uintptr(dup), "")
	defer d.Close()
	names, err := d.Readdirnames(maxFiles - w.files + 1)
	if len(names) == 0 {
		return nil, nil // at the end: io.EOF
	}
	return names, err
}

func (w *walk) giveTop(dir string) error {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: dir, Err: err}
	}
	defer unix.Close(fd)
	if err := unix.Fchown(fd, int(w.toUID), int(w.toGID)); err != nil {
		return &os.PathError{Op: "chown", Path: dir, Err: err}
	}
	return w.give(fd, 1)
}

// give gives what is in the directory dir to its new owner. chown(2) clears the
// set-user-ID and set-group-ID bits of files. Devices stay as they are, and
// cannot be used in the mount.
func (w *walk) give(dir, depth int) error {
	names, err := w.names(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := w.next(depth); err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return &os.PathError{Op: "stat", Path: name, Err: err}
		}
		kind := st.Mode & unix.S_IFMT
		if kind == unix.S_IFCHR || kind == unix.S_IFBLK {
			continue
		}
		if uid, gid := w.of(&st); uid != st.Uid || gid != st.Gid {
			if err := unix.Fchownat(dir, name, int(uid), int(gid), unix.AT_SYMLINK_NOFOLLOW); err != nil {
				return &os.PathError{Op: "chown", Path: name, Err: err}
			}
		}
		if kind != unix.S_IFDIR {
			continue
		}
		if err := within(dir, name, func(fd int) error { return w.give(fd, depth+1) }); err != nil {
			return err
		}
	}
	return nil
}

// within runs f on a directory of dir.
func within(dir int, name string, f func(fd int) error) error {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	return f(fd)
}
