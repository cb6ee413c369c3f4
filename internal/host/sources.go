// SPDX-License-Identifier: Apache-2.0

package host

import (
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
	// Alias names a sensitive directory of which this is another mount.
	Alias string
}

// sources opens each bind source without following the last step into a device
// or FIFO (O_PATH) and asks the kernel where it stands, so that no textual
// trick hides the place.
func sources(doc *spec.Document) map[*spec.Value]Source {
	out := map[*spec.Value]Source{}
	for _, m := range doc.Get("mounts").Elems() {
		if !IsBind(m) {
			continue
		}
		given := m.Get("source").Str()
		out[m] = Source{Path: given}
		fd, err := unix.Open(given, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		var st unix.Stat_t
		real, errLink := fdPath(fd)
		if err := unix.Fstat(fd, &st); err == nil && errLink == nil {
			out[m] = Source{Path: real, Mode: st.Mode & unix.S_IFMT, Alias: aliasOf(fd)}
		}
		_ = unix.Close(fd)
	}
	return out
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
	for _, dir := range [...]string{"/", "/etc", "/root", "/boot", "/usr", "/var", "/var/lib", "/run", "/dev", "/proc", "/sys", "/home"} {
		var d unix.Stat_t
		if unix.Stat(dir, &d) == nil && d.Dev == st.Dev && d.Ino == st.Ino {
			return dir
		}
	}
	return ""
}
