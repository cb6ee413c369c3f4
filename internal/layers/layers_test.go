// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// tree makes files and directories below dir; a name that ends in / is a
// directory, one that begins with - a whiteout, one with ! an opaque directory.
func tree(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, n := range names {
		base := filepath.Base(n)
		p := filepath.Join(dir, filepath.Dir(strings.TrimSuffix(n, "/")), strings.TrimLeft(base, "-!"))
		err := os.MkdirAll(filepath.Dir(p), 0o755)
		switch {
		case strings.HasPrefix(base, "-"):
			err = errors.Join(err, unix.Mknod(p, unix.S_IFCHR, 0))
		case strings.HasPrefix(base, "!"):
			err = errors.Join(err, os.MkdirAll(p, 0o755), unix.Setxattr(p, "trusted.overlay.opaque", []byte("y"), 0))
		case strings.HasSuffix(n, "/"):
			err = errors.Join(err, os.MkdirAll(p, 0o755))
		default:
			err = errors.Join(err, os.WriteFile(p, []byte(n), 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestOverlay: what At returns, merged, is what the kernel shows.
func TestOverlay(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir+"/up/diff", "etc/new", "!opaque/", "opaque/mine", "-gone", "file")
	tree(t, dir+"/mid/diff", "etc/mid", "opaque/hidden", "gone/y", "file/z", "a/b/mid", "a/-white")
	tree(t, dir+"/low/diff", "etc/low", "opaque/lowest", "gone/x", "file/y", "a/b/low", "a/white/x", "only/low")
	tree(t, dir, "up/work/", "l/", "up/merged/")
	for _, l := range []string{"mid", "low"} {
		if err := os.Symlink("../"+l+"/diff", filepath.Join(dir, "l", strings.ToUpper(l))); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ name, lower string }{
		{"absolute", fmt.Sprintf("%s/mid/diff:%s/low/diff", dir, dir)},
		{"relative, as Docker mounts them", "l/MID:l/LOW"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			merged := dir + "/up/merged"
			cmd := fmt.Sprintf("lowerdir=%s,upperdir=%s/up/diff,workdir=%s/up/work", tt.lower, dir, dir)
			here, err := os.Getwd()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chdir(dir); err != nil {
				t.Fatal(err)
			}
			err = unix.Mount("overlay", merged, "overlay", 0, cmd)
			if back := os.Chdir(here); err != nil || back != nil {
				t.Fatal(err, back)
			}
			t.Cleanup(func() { _ = unix.Unmount(merged, unix.MNT_DETACH) })
			ls, err := Of(merged)
			if err != nil {
				t.Fatal(err)
			}
			if len(ls.dirs) != 3 {
				t.Fatalf("layers %q", ls.dirs)
			}
			for _, p := range []string{"/etc", "/opaque", "/gone", "/file", "/a", "/a/b", "/a/white", "/only", "/missing"} {
				at, err := ls.At(p)
				if err != nil {
					t.Fatal(err)
				}
				want := entries(merged + p)
				got := map[string]bool{}
				white := map[string]bool{}
				for _, l := range at {
					for name, isWhiteout := range entries(l) {
						if isWhiteout {
							white[name] = true
						} else if !white[name] {
							got[name] = true
						}
					}
				}
				for name := range want {
					if !got[name] {
						t.Errorf("%s: %s is not in %q", p, name, at)
					}
				}
				if len(got) != len(want) {
					t.Errorf("%s: %v from %q, the kernel shows %v", p, got, at, want)
				}
			}
		})
	}
}

// entries maps a directory's names to whether they are whiteouts.
func entries(dir string) map[string]bool {
	out := map[string]bool{}
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		out[e.Name()] = e.Type()&os.ModeCharDevice != 0
	}
	return out
}

func TestPlainDirectory(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, "etc/x", "link/")
	ls, err := Of(dir)
	if err != nil || len(ls.dirs) != 1 || ls.dirs[0] != dir {
		t.Fatalf("%q, %v", ls.dirs, err)
	}
	at, err := ls.At("/etc")
	if err != nil || len(at) != 1 || at[0] != dir+"/etc" {
		t.Errorf("%q, %v", at, err)
	}
	// A link is not followed: the caller resolves it in the image.
	if err := os.Symlink("/etc", dir+"/out"); err != nil {
		t.Fatal(err)
	}
	if at, err := ls.At("/out"); err != nil || len(at) != 0 {
		t.Errorf("a link: %q, %v", at, err)
	}
}

func TestOptions(t *testing.T) {
	for _, tt := range []struct{ options, want string }{
		{"rw,lowerdir=/a:/b,upperdir=/u/diff,workdir=/u/work", "[/u/diff /a /b]"},
		{"rw,lowerdir=l/A:l/B,upperdir=/s/u/diff,workdir=/s/u/work", "[/s/u/diff /s/l/A /s/l/B]"},
		{`rw,lowerdir=/a\:b:/c\,d`, "[/a:b /c,d]"},
		{"ro,lowerdir+=/a,lowerdir+=/b", "[/a /b]"},
		{"ro,lowerdir=a:b", "error"},
		{"rw", "error"},
		{"rw,lowerdir=/a,metacopy=on", "error"},
		{"rw,lowerdir=/a,redirect_dir=on", "error"},
		{"rw,lowerdir+=/a,datadir+=/d", "error"},
	} {
		got, err := overlayLayers(tt.options)
		s := fmt.Sprint(got)
		if err != nil {
			s = "error"
		}
		if s != tt.want {
			t.Errorf("%s: %s (%v), want %s", tt.options, s, err, tt.want)
		}
	}
}

// TestInsideOverlay: a directory in an overlay, as a bundle in a container has
// it, cannot be told apart into layers, and is not taken for a plain one.
func TestInsideOverlay(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, "low/x/y", "up/", "work/", "merged/")
	data := fmt.Sprintf("lowerdir=%s/low,upperdir=%s/up,workdir=%s/work", dir, dir, dir)
	if err := unix.Mount("overlay", dir+"/merged", "overlay", 0, data); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir+"/merged", unix.MNT_DETACH) })
	if ls, err := Of(dir + "/merged/x"); err == nil {
		t.Errorf("%q", ls.dirs)
	}
}
