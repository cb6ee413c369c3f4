// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
)

// overlayOver mounts an overlay whose only lower layer is dir.
func overlayOver(t *testing.T, dir string) string {
	t.Helper()
	at := bed.Dir(t, "overlay")
	for _, d := range []string{"upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(at, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	data := fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", dir, at, at)
	mountFor(t, "overlay", at+"/merged", data)
	return at + "/merged"
}

func mountFor(t *testing.T, fstype, at, data string) {
	t.Helper()
	if err := unix.Mount(fstype, at, fstype, 0, data); err != nil {
		t.Fatalf("mount %s (%s): %v", fstype, data, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// notes are those of the last audit line.
func notes(t *testing.T) string {
	t.Helper()
	lines := auditLines(t)
	return fmt.Sprint(lines[len(lines)-1]["notes"])
}

// TestPlacesWhereLayersCannotBeMapped: a root filesystem in a directory of an
// overlay, one deeper, and one on a filesystem that cannot be idmapped. What the
// container sees is the same; the audit line says how it comes about.
func TestPlacesWhereLayersCannotBeMapped(t *testing.T) {
	const script = "set -e; cat /srv/data/file; echo new > /srv/data/file; mkdir /srv/data/sub/new; touch /app/new; " +
		"! echo x 2>&- >> /app/code; ! rm -f /app/code 2>&-; /srv/data/run; ! /srv/data/file 2>&-; exec /probe"
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		fill := func(parent string, files int) {
			root := filepath.Join(parent, "rootfs")
			bed.FillRootfs(t, root, "srv/data/sub", "app")
			bed.Write(t, filepath.Join(root, "srv/data/file"), "old\n")
			bed.Write(t, filepath.Join(root, "srv/data/run"), "#!/bin/sh\necho ran\n")
			bed.Write(t, filepath.Join(root, "app/code"), "code")
			for i := range files {
				bed.Write(t, filepath.Join(root, "srv/data/sub", strconv.Itoa(i)), "")
			}
			for _, f := range []string{"srv/data", "srv/data/sub", "srv/data/file", "srv/data/run"} {
				if err := os.Chown(filepath.Join(root, f), 999, 998); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range []string{"srv/data/file", "srv/data/run"} {
				if err := os.Chmod(filepath.Join(root, f), 0o755); err != nil {
					t.Fatal(err)
				}
			}
		}
		plain := bed.Dir(t, "plain")
		fill(plain, 0)
		once := overlayOver(t, plain)
		full := bed.Dir(t, "full")
		fill(full, 5000)
		ram := bed.Dir(t, "ram")
		mountFor(t, "ramfs", ram, "")
		fill(ram, 0)
		for _, c := range []struct{ name, parent, data, app string }{
			{"layers", plain, "", ""},
			{"overlay", once, "/srv/data is an overlay on the merged directory, with the owner of 3 files", "/app is an overlay on the merged directory"},
			{"overlay, twice", overlayOver(t, once), "/srv/data is a copy of 3 files", "/app is a copy of 1 files"},
			{"no idmap", ram, "/srv/data is an overlay on the merged directory, with the owner of 3 files", ""},
			{"too many", overlayOver(t, full), "/srv/data stays read-only", "/app is an overlay on the merged directory"},
		} {
			s := specFor(t, "", "sh", "-c", script)
			s.Process.Cwd = "/app"
			if c.name == "too many" {
				s.Process.Args = []string{"sh", "-c", "cat /srv/data/file; ! touch /srv/data/new 2>&- && echo ran; exec /probe"}
			}
			r := bed.NewContainer(t, bed.Shim(t), rt, filepath.Join(c.parent, "rootfs"), s).RunToEnd()
			out, rest, _ := strings.Cut(r.Stdout, "{")
			if out != "old\nran\n" {
				t.Errorf("%s: %v", c.name, r)
				continue
			}
			r.Stdout = "{" + rest
			hardened(t, bed.Report(t, r))
			got := notes(t)
			for _, want := range []string{c.data, c.app} {
				if !strings.Contains(got, want) {
					t.Errorf("%s: the audit line says %s, not %q", c.name, got, want)
				}
			}
			if c.data == "" && (strings.Contains(got, "/srv/data") || strings.Contains(got, "/app")) {
				t.Errorf("%s: the audit line says %s", c.name, got)
			}
		}
	})
}
