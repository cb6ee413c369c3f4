// SPDX-License-Identifier: Apache-2.0

package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// fileCap is struct vfs_cap_data of revision 2, with one capability permitted.
func fileCap(flags uint32, capability int) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0x02000000|flags)
	set := uint64(1) << capability
	b = binary.LittleEndian.AppendUint32(b, uint32(set))
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(set>>32))
	return binary.LittleEndian.AppendUint32(b, 0)
}

func program(t *testing.T, root, p string, xattr []byte) {
	t.Helper()
	file := filepath.Join(root, p)
	err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte("#!/bin/sh\n"), 0o755))
	if xattr != nil && err == nil {
		err = unix.Setxattr(file, "security.capability", xattr, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFileCaps(t *testing.T) {
	const bindService, checkpoint = 10, 40
	root := image(t, "usr/local/bin/link -> /usr/lib/real", "usr/local/bin/out -> /../../../../etc/passwd", "srv/mnt/", "tmp/")
	for _, p := range []string{"/usr/bin/caddy", "/coredns", "/usr/lib/real", "/usr/bin/ping", "/srv/mnt/hidden", "/usr/bin/unnamed", "/usr/local/bin/own", "/tmp/placed"} {
		program(t, root, p, fileCap(1, bindService))
	}
	program(t, root, "/opt/bin/new", fileCap(1, checkpoint))
	program(t, root, "/opt/bin/permitted-only", fileCap(0, bindService))
	program(t, root, "/opt/bin/none", nil)
	program(t, root, "/usr/bin/sh", nil)
	for _, tt := range []struct {
		process string
		want    []string
	}{
		{`"args":["caddy","run"]`, []string{"/usr/bin/caddy 10", "/usr/local/bin/own 10"}},
		{`"args":["sh","-c","exec caddy run"]`, []string{"/usr/bin/caddy 10", "/usr/local/bin/own 10"}},
		{`"args":["tini","--","/coredns","-conf","x"]`, []string{"/coredns 10", "/usr/local/bin/own 10"}},
		{`"args":["./real"],"cwd":"/usr/lib","env":["PATH=/usr/bin"]`, []string{"/usr/lib/real 10"}},
		{`"args":["link"],"env":["PATH=/nowhere","PATH=/usr/local/bin"]`, []string{"/usr/lib/real 10", "/usr/local/bin/own 10"}},
		{`"args":["entry"],"env":["PATH=relative:/opt/bin:/srv/mnt"]`, []string{"/opt/bin/new 40"}},
		{`"args":["/srv/mnt/hidden","/tmp/placed","../../etc/passwd","-caddy"],"env":["PATH="]`, nil},
		{`"args":[]`, []string{"/usr/local/bin/own 10"}},
	} {
		f, _, err := gather(t, root, `,"process":{`+tt.process+`},"mounts":[{"destination":"/srv/mnt","type":"tmpfs"}]`)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range f.FileCaps {
			for n := range 64 {
				if c.Caps == 1<<n {
					got = append(got, fmt.Sprint(c.Path, " ", n))
				}
			}
		}
		slices.Sort(got)
		want := append(slices.Clone(tt.want), "/usr/bin/ping 10")
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", tt.process, got, want)
		}
	}
}

// TestEffectiveCaps: one that a user namespace's root gave counts too, and what
// is no file with capabilities demands nothing.
func TestEffectiveCaps(t *testing.T) {
	root := image(t, "link -> program", "fifo|")
	program(t, root, "program", append(fileCap(0x01000001, 40), 0, 0, 1, 0))
	for file, want := range map[string]uint64{"program": 1 << 40, "link": 0, "fifo": 0, ".": 0, "nothing": 0} {
		if got := effectiveCaps(filepath.Join(root, file)); got != want {
			t.Errorf("%s: %#x, want %#x", file, got, want)
		}
	}
}

// TestFileCapsBounds: an image cannot have any number of mounts made.
func TestFileCapsBounds(t *testing.T) {
	root := image(t, "etc/")
	for i := range maxOfOwn {
		program(t, root, fmt.Sprintf("/opt/%02d", i), fileCap(1, 10))
	}
	f, _, err := gather(t, root, `,"process":{"env":["PATH=/opt"]}`)
	if err != nil || len(f.FileCaps) != maxFileCaps {
		t.Errorf("%d, %v", len(f.FileCaps), err)
	}
	program(t, root, "/opt/more", nil)
	if f, _, err = gather(t, root, `,"process":{"env":["PATH=/opt"]}`); err != nil || len(f.FileCaps) != 0 {
		t.Errorf("%d in a directory of many, %v", len(f.FileCaps), err)
	}
}
