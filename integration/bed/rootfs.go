// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// passwd and group are what small images ship.
const (
	passwd = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n"
	group  = "root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\n"
)

// Rootfs makes a root file system on disk: busybox with a link for each applet,
// /probe (see integration/probe), /etc/passwd and the usual folders. Folders
// name further ones to make below it.
func Rootfs(t T, folders ...string) string {
	t.Helper()
	root := filepath.Join(Dir(t, "rootfs"), "rootfs")
	FillRootfs(t, root, folders...)
	return root
}

// FillRootfs does what Rootfs does, in a folder of the caller's choice.
func FillRootfs(t T, root string, folders ...string) {
	t.Helper()
	usual := []string{"bin", "sbin", "usr/bin", "usr/sbin", "etc", "proc", "sys", "dev", "root", "home", "run", "tmp", "var/tmp", "var/lib", "var/log"}
	for _, d := range append(usual, folders...) {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatalf("bed: rootfs: %v", err)
		}
	}
	for _, d := range []string{"tmp", "var/tmp"} {
		if err := os.Chmod(filepath.Join(root, d), 0o777|os.ModeSticky); err != nil {
			t.Fatalf("bed: rootfs: %v", err)
		}
	}
	copyFile(t, Installed(t, "/usr/bin/busybox"), filepath.Join(root, "bin/busybox"))
	copyFile(t, probe(t), filepath.Join(root, "probe"))
	for _, a := range strings.Fields(MustRun(t, "/usr/bin/busybox", "--list").Stdout) {
		if a == "busybox" {
			continue
		}
		if err := os.Symlink("busybox", filepath.Join(root, "bin", a)); err != nil {
			t.Fatalf("bed: rootfs: %v", err)
		}
	}
	if err := os.Symlink("/run", filepath.Join(root, "var/run")); err != nil {
		t.Fatalf("bed: rootfs: %v", err)
	}
	Write(t, filepath.Join(root, "etc/passwd"), passwd)
	Write(t, filepath.Join(root, "etc/group"), group)
}

func copyFile(t T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatalf("bed: %v", err)
	}
	if err := os.WriteFile(to, b, 0o755); err != nil {
		t.Fatalf("bed: %v", err)
	}
}

// probeOnce keeps the path of the probe program, built once per bed.
var probeOnce struct {
	sync.Once
	path string
}

// probe builds the program that reports from inside a container: static, so
// that it runs in any image.
func probe(t T) string {
	t.Helper()
	probeOnce.Do(func() {
		probeOnce.path = Build(t, "./integration/probe")
	})
	return probeOnce.path
}

// Build compiles a program of this source tree, static, into the bed.
func Build(t T, pkg string) string {
	t.Helper()
	out := filepath.Join(Dir(t, "build"), filepath.Base(pkg))
	r := Command{
		Args: []string{"go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg},
		Env:  []string{"CGO_ENABLED=0"},
		Dir:  Repo(t),
	}.Run()
	if r.Code != 0 {
		t.Fatalf("bed: build %s: %v", pkg, r)
	}
	return out
}
