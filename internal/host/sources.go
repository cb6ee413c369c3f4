// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/spec"
)

// Source is where a bind mount leads on the host.
type Source struct {
	// Path is the real path, every symbolic link followed by the kernel; the
	// path as given where there is nothing there, which the runtime reports.
	Path string
	// Mode holds the file type bits of stat(2), 0 if there is nothing there.
	Mode uint32
	// UID and GID own it.
	UID, GID uint32
	// Alias names a sensitive directory of which this is another mount.
	Alias string
	// Also holds the other names of the place.
	Also []string

	dev, ino uint64
}

// Open opens, as O_PATH, the very place that was judged. Whoever may write to a
// directory on the way can put a link or something else there at any time, a
// process of another container for one: no link is followed, and what is found
// must be what was seen.
func (s Source) Open() (int, error) {
	fd, err := unix.Openat2(unix.AT_FDCWD, s.Path, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return -1, &os.PathError{Op: "open again", Path: s.Path, Err: err}
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && (st.Dev != s.dev || st.Ino != s.ino) {
		err = errors.New("something else stands there now")
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, &os.PathError{Op: "open again", Path: s.Path, Err: err}
	}
	return fd, nil
}

// sources opens each bind source without following the last step into a device
// or FIFO (O_PATH) and asks the kernel where it stands, so that no textual
// trick hides the place.
//
// A relative source counts from the bundle: runc joins the two
// (createLibcontainerMount), crun goes there first.
func sources(bundle string, doc *spec.Document) (map[*spec.Value]Source, error) {
	out := map[*spec.Value]Source{}
	var mounts []mountPoint
	for _, m := range doc.Get("mounts").Elems() {
		if !IsBind(m) {
			continue
		}
		given := m.Get("source").Str()
		if !path.IsAbs(given) {
			given = path.Join(bundle, given)
		}
		out[m] = Source{Path: given}
		fd, err := unix.Open(given, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		var st unix.Stat_t
		real, errLink := fdPath(fd)
		if err := unix.Fstat(fd, &st); err == nil && errLink == nil {
			out[m] = Source{Path: real, Mode: st.Mode & unix.S_IFMT, UID: st.Uid, GID: st.Gid, Alias: aliasOf(fd), dev: st.Dev, ino: st.Ino}
			also, err := otherNames(fd, real, &mounts)
			if err != nil {
				_ = unix.Close(fd)
				return nil, fmt.Errorf("other names of %s: %w", real, err)
			}
			if s := out[m]; len(also) > 0 {
				s.Also = also
				out[m] = s
			}
		}
		_ = unix.Close(fd)
	}
	return out, nil
}

// IsBind reports whether a mount of the spec is a bind mount, as runc and crun
// see it: by type or by option.
func IsBind(m *spec.Value) bool {
	if m.Get("type").Str() == "bind" {
		return true
	}
	for _, o := range m.Get("options").Elems() {
		if s := o.Str(); s == "bind" || s == "rbind" {
			return true
		}
	}
	return false
}

// fdPath is the kernel's own path of an open file.
func fdPath(fd int) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// aliasOf compares an open directory with the host's most sensitive ones: a
// bind mount of them elsewhere (a Docker volume with device=/etc, say) has
// another path and the same inode.
func aliasOf(fd int) string {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return ""
	}
	for _, dir := range [...]string{
		"/", "/etc", "/etc/ssh", "/etc/kubernetes", "/root", "/boot", "/usr", "/var", "/var/lib", "/run", "/dev", "/proc", "/sys", "/home",
		"/var/lib/docker", "/var/lib/containerd", "/var/lib/containers", "/var/lib/kubelet", "/var/lib/etcd",
	} {
		var d unix.Stat_t
		if unix.Stat(dir, &d) == nil && d.Dev == st.Dev && d.Ino == st.Ino {
			return dir
		}
	}
	return ""
}
