// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// rootfs is the container's root directory, held open.
type rootfs struct {
	fd       int
	real     string // the kernel's path of it
	ids      IDs    // of the container's user namespace
	listings []*listing
	held     int // listings that are open
}

func openRootfs(dir string) (*rootfs, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open rootfs", Path: dir, Err: err}
	}
	real, err := fdPath(fd)
	if err != nil {
		_ = unix.Close(fd)
		return nil, &os.PathError{Op: "resolve rootfs", Path: dir, Err: err}
	}
	return &rootfs{fd: fd, real: real}, nil
}

func (r *rootfs) close() {
	for _, l := range r.listings {
		if l.fd >= 0 {
			_ = unix.Close(l.fd)
		}
	}
	_ = unix.Close(r.fd)
}

// resolve returns where p ends up inside the rootfs, and the file type bits of
// what is there, 0 if nothing is. The links of the image are followed by the
// kernel as if the rootfs were / (openat2(2), RESOLVE_IN_ROOT, Linux 5.6), so
// `/run -> ../../../etc` ends at the image's own /etc.
//
// A link that leads to nothing is followed too: the runtime will make what it
// names, not what it is called.
func (r *rootfs) resolve(p string) (string, uint32, error) { return r.follow(p, maxLinks) }

// maxLinks is the kernel's own limit, MAXSYMLINKS in include/linux/namei.h.
const maxLinks = 40

func (r *rootfs) follow(p string, links int) (string, uint32, error) {
	p = path.Clean("/" + p)
	if p == "/" {
		return p, unix.S_IFDIR, nil
	}
	if mode, ok := r.known(p); ok {
		return p, mode, nil
	}
	fd, err := unix.Openat2(r.fd, p[1:], &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if errors.Is(err, unix.ENOENT) {
		return r.missing(p, links)
	}
	if err != nil {
		return "", 0, &os.PathError{Op: "resolve in the image", Path: p, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", 0, &os.PathError{Op: "stat in the image", Path: p, Err: err}
	}
	real, err := fdPath(fd)
	if err != nil {
		return "", 0, &os.PathError{Op: "resolve in the image", Path: p, Err: err}
	}
	if real == r.real {
		return "/", unix.S_IFDIR, nil
	}
	inside, ok := strings.CutPrefix(real, strings.TrimSuffix(r.real, "/"))
	if !ok || !strings.HasPrefix(inside, "/") {
		return "", 0, &os.PathError{Op: "resolve in the image", Path: p, Err: errors.New("leads out of the rootfs")}
	}
	return inside, st.Mode & unix.S_IFMT, nil
}

// missing returns where p would be if it were made.
func (r *rootfs) missing(p string, links int) (string, uint32, error) {
	dir, mode, err := r.follow(path.Dir(p), links)
	if err == nil && mode != unix.S_IFDIR && mode != 0 {
		err = unix.ENOTDIR
	}
	if err != nil {
		return "", 0, &os.PathError{Op: "resolve in the image", Path: p, Err: err}
	}
	here := path.Join(dir, path.Base(p))
	if mode == 0 {
		return here, 0, nil
	}
	fd, err := unix.Openat2(r.fd, here[1:], &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC | unix.O_NOFOLLOW,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if errors.Is(err, unix.ENOENT) {
		return here, 0, nil
	}
	if err != nil {
		return "", 0, &os.PathError{Op: "resolve in the image", Path: p, Err: err}
	}
	defer unix.Close(fd)
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err == nil && links == 0 {
		err = unix.ELOOP
	}
	if err != nil {
		return "", 0, &os.PathError{Op: "read link in the image", Path: here, Err: err}
	}
	to := string(buf[:n])
	if !path.IsAbs(to) {
		to = path.Join(dir, to)
	}
	return r.follow(to, links-1)
}

// mountable reports whether the runtime can mount a file over p: not if p is a
// directory or leads astray, not if it is missing and cannot be made, and not
// below a mount of the spec, whose content is not the image's.
func (r *rootfs) mountable(points []string, p string) bool {
	real, mode, err := r.resolve(p)
	if err != nil || mode == unix.S_IFDIR || coveredBy(points, path.Dir(real)) {
		return false
	}
	return mode != 0 || !r.readOnly()
}

// readOnly reports whether the rootfs's own filesystem is read-only, so that
// the runtime cannot make what is missing in it.
func (r *rootfs) readOnly() bool {
	var st unix.Statfs_t
	return unix.Fstatfs(r.fd, &st) == nil && st.Flags&unix.ST_RDONLY != 0
}

// isFile reports whether there is a regular file at p, links followed.
func (r *rootfs) isFile(p string) bool {
	if mode, ok := r.known(p); ok {
		return mode == unix.S_IFREG
	}
	fd, err := unix.Openat2(r.fd, p[1:], &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG
}

// open opens a directory by its path without links; "." stands for the rootfs.
func (r *rootfs) open(p string, flags uint64) (int, error) {
	if p = strings.Trim(p, "/"); p == "" {
		p = "."
	}
	return unix.Openat2(r.fd, p, &unix.OpenHow{
		Flags:   flags | unix.O_CLOEXEC | unix.O_NOFOLLOW,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	})
}
