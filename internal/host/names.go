// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A place of the host can have more names than the one by which it is bound: a
// Docker volume made with --opt o=bind --opt device=/etc/cron.d is that folder,
// at volumes/NAME/_data. Which filesystem a mount shows, and which part of it,
// is in mountinfo (proc_pid_mountinfo(5)).

// adminDepth is how many steps of a path are taken for the operator's own: who
// can mount there is root, and knows what lies there. Below, engines mount what
// their users ask for.
const adminDepth = 3

// otherNames returns the other paths of an open file, as far as they are
// mounted. mounts is read if need be, at most once: it grows with the number of
// containers.
func otherNames(fd int, real string, mounts *[]mountPoint) ([]string, error) {
	id, fresh, err := mountOf(fd)
	if err != nil || fresh {
		return nil, err
	}
	if top, err := mountAt(ancestor(real, adminDepth)); err == nil && top == id {
		return nil, nil
	}
	if *mounts == nil {
		data, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			return nil, err
		}
		*mounts = parseMounts(string(data))
	}
	return namesIn(*mounts, id, real), nil
}

// mountOf returns the ID of the mount that a file lies on, and whether the file
// is the root of a tmpfs: it begins empty, and holds nothing of the host's unless
// it is one of the host's own, which are known by inode (aliasOf). The inode of
// a tmpfs's root is 1 (shmem_fill_super, since Linux 5.9).
func mountOf(fd int) (id uint64, fresh bool, err error) {
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID|unix.STATX_INO, &st); err != nil {
		return 0, false, os.NewSyscallError("statx", err)
	}
	if st.Mask&unix.STATX_MNT_ID == 0 {
		return 0, false, errors.New("statx(2) does not tell the mount; it does since Linux 5.8")
	}
	var fs unix.Statfs_t
	if st.Ino == 1 && st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0 && unix.Fstatfs(fd, &fs) == nil {
		fresh = fs.Type == unix.TMPFS_MAGIC
	}
	return st.Mnt_id, fresh, nil
}

func mountAt(p string) (uint64, error) {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, p, 0, unix.STATX_MNT_ID, &st)
	return st.Mnt_id, err
}

// ancestor cuts a clean absolute path to its first n steps.
func ancestor(p string, n int) string {
	for i := 1; i < len(p); i++ {
		if p[i] != '/' {
			continue
		}
		if n--; n == 0 {
			return p[:i]
		}
	}
	return p
}

// mountPoint is one line of mountinfo.
type mountPoint struct {
	id, device, root, at string
}

func parseMounts(text string) []mountPoint {
	out := make([]mountPoint, 0, 64)
	for line := range strings.Lines(text) {
		f := strings.SplitN(line, " ", 6)
		if len(f) == 6 {
			out = append(out, mountPoint{id: f[0], device: f[2], root: unescape(f[3]), at: unescape(f[4])})
		}
	}
	return out
}

// unescape reads \040 and its like (seq_path, fs/seq_file.c).
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// namesIn returns where else the mounts show what lies at real on mount id.
func namesIn(mounts []mountPoint, id uint64, real string) []string {
	want := strconv.FormatUint(id, 10)
	for _, m := range mounts {
		if m.id != want {
			continue
		}
		inside, ok := below(real, m.at)
		if !ok {
			return nil // not below its mount point: unmounted meanwhile
		}
		return showing(mounts, m, strings.TrimSuffix(m.root, "/")+inside, real)
	}
	return nil
}

func showing(mounts []mountPoint, from mountPoint, place, real string) []string {
	var out []string
	for _, m := range mounts {
		if m.device != from.device || m.id == from.id {
			continue
		}
		if inside, ok := below(place, m.root); ok {
			if name := strings.TrimSuffix(m.at, "/") + inside; name != real && name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

// below returns what follows dir in p, "" or beginning with a slash.
func below(p, dir string) (string, bool) {
	rest, ok := strings.CutPrefix(p, strings.TrimSuffix(dir, "/"))
	return rest, ok && (rest == "" || rest[0] == '/')
}
