// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
)

// owner is the user to whom an image gives its data directories.
const owner = 999

// places measures what the image's data directories add to a create: their
// content is shown, owned by the container's user, and can be written over. The
// base is the same image with the same files where they are root's, and stay
// read-only.
func (b *bench) places() {
	rt := bed.DebianRunc(b.p)
	bed.Use(b.p, rt)
	heading("Writable places on %s: create of a container whose image has them, against one whose image has not", rt.Name)
	c := newComparison("without", "with")
	var memory []string
	for _, n := range []int{1, 8} {
		for _, files := range []int{200, 20000} {
			rootfs := [2]string{b.dataImage(n, files, 0), b.dataImage(n, files, owner)}
			var p pair
			name := fmt.Sprintf("%d, with %d files", n, files)
			for i := range b.cycles + 2 {
				var times [2]time.Duration
				for _, which := range [2]int{i % 2, 1 - i%2} {
					one := b.newContainer(b.shim, rt, rootfs[which], "sleep", "3600")
					var err error
					times[which], err = one.create()
					b.must(err)
					if staged := b.staged(one); staged != which*n {
						b.p.Fatalf("bench: %d places, want %d", staged, which*n)
					}
					if i == 0 && which == 1 {
						memory = append(memory, name+": "+b.written(one))
					}
					_, err = one.delete("--force")
					b.must(err)
				}
				if i >= 2 {
					p.base, p.with = append(p.base, times[0]), append(p.with, times[1])
				}
			}
			c.row(name, p)
		}
	}
	c.end()
	fmt.Println("memory before the first write:")
	for _, m := range memory {
		fmt.Println("  " + m)
	}
}

// dataImage is a root filesystem with n data directories that belong to a user,
// and files of that user's in them, evenly and a hundred to a directory.
func (b *bench) dataImage(n, files, uid int) string {
	root := bed.Rootfs(b.p)
	for i := range n {
		at := filepath.Join(root, "var/lib", "data"+strconv.Itoa(i))
		b.must(os.Mkdir(at, 0o755))
		b.must(os.Chown(at, uid, uid))
		dir := ""
		for j := range files / n {
			if j%100 == 0 {
				dir = filepath.Join(at, strconv.Itoa(j/100))
				b.must(os.Mkdir(dir, 0o755))
				b.must(os.Chown(dir, uid, uid))
			}
			file := filepath.Join(dir, strconv.Itoa(j))
			b.must(os.WriteFile(file, []byte("data\n"), 0o644))
			b.must(os.Chown(file, uid, uid))
		}
	}
	return root
}

// staged counts the data directories that a container can write to.
func (b *bench) staged(c container) int {
	var s specs.Spec
	b.must(json.Unmarshal(c.Config(), &s))
	n := 0
	for _, m := range s.Mounts {
		if dir, base := filepath.Split(m.Destination); dir == "/var/lib/" && base[:4] == "data" {
			n++
		}
	}
	return n
}

// written is what lies in the tmpfs behind a container's places: overlayfs tells
// of that of its upper layer (ovl_statfs).
func (b *bench) written(c container) string {
	var st unix.Statfs_t
	b.must(unix.Statfs(fmt.Sprintf("/proc/%d/root/var/lib/data0", c.Pid()), &st))
	return fmt.Sprintf("%d KiB, %d inodes", (int64(st.Blocks)-int64(st.Bfree))*st.Bsize/1024, st.Files-st.Ffree)
}
