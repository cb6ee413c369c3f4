// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// TestKnown: what the listings answer is what the kernel answers.
func TestKnown(t *testing.T) {
	nodes := []node{
		{"tmp", "dir 0 1777"},
		{"run", "link ../../etc"},
		{"etc/passwd", "file 0 644 x"},
		{"etc/fifo", "fifo"},
		{"etc/shadow", "link /nowhere"},
		{"var/lib/db", "dir 5 755"},
		{"var/run", "link /run"},
		{"home", "file 0 644 x"},
		{"opt", "link opt"},
	}
	for i := range maxEntries + 20 {
		nodes = append(nodes, node{fmt.Sprintf("srv/d%d", i), "dir 0 755"})
	}
	r, err := openRootfs(imageOf(t, nodes))
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	told := 0
	for _, p := range []string{
		"/tmp", "/tmp/x", "/run", "/run/passwd", "/etc", "/etc/passwd", "/etc/passwd/x", "/etc/fifo", "/etc/shadow", "/etc/none",
		"/var/lib", "/var/lib/db", "/var/lib/none/deep", "/var/run", "/var/run/fifo", "/home", "/home/x", "/opt", "/opt/x",
		"/none", "/none/x", "/srv/d0", fmt.Sprintf("/srv/d%d", maxEntries+19), "/srv/none", "/dev/pts", "/usr/local/bin",
	} {
		mode, ok := r.known(p)
		if !ok {
			continue
		}
		told++
		var want uint32
		fd, err := unix.Openat2(r.fd, p[1:], &unix.OpenHow{Flags: unix.O_PATH, Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_BENEATH})
		if err == nil {
			var st unix.Stat_t
			err = unix.Fstat(fd, &st)
			want = st.Mode & unix.S_IFMT
			_ = unix.Close(fd)
		}
		if err != nil && !errors.Is(err, unix.ENOENT) || mode != want {
			t.Errorf("%s: known as %#o, is %#o (%v)", p, mode, want, err)
		}
	}
	if told < 12 {
		t.Errorf("only %d paths are known", told)
	}
	if l := r.list("/srv"); l.whole || len(l.entries) != maxEntries {
		t.Errorf("/srv: %d entries, whole %v", len(l.entries), l.whole)
	}
}
