// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// nasty makes a tree with what images may hold to harm whoever copies it.
func nasty(t *testing.T) Source {
	t.Helper()
	root := t.TempDir()
	top := root + "/srv/data"
	secret := root + "/secret"
	err := errors.Join(
		os.MkdirAll(top+"/sub/deep", 0o750),
		os.WriteFile(secret, []byte("secret"), 0o600),
		os.WriteFile(top+"/file", []byte("content"), 0o640),
		os.WriteFile(top+"/setuid", []byte("#!/bin/sh\n"), 0o755),
		os.WriteFile(top+"/roots", []byte("root's"), 0o644),
		os.Link(top+"/file", top+"/hard"),
		os.Symlink("../../secret", top+"/link"),
		os.Symlink("/", top+"/up"),
		unix.Mkfifo(top+"/fifo", 0o666),
		unix.Mknod(top+"/null", unix.S_IFCHR|0o666, 1<<8|3),
		unix.Mknod(top+"/sock", unix.S_IFSOCK|0o666, 0),
	)
	if err != nil {
		t.Fatal(err)
	}
	sparse, err := os.Create(top + "/sub/deep/sparse")
	if err == nil {
		err = errors.Join(sparse.Truncate(1<<16), sparse.Close())
	}
	for _, f := range []string{"", "/sub", "/sub/deep", "/sub/deep/sparse", "/file", "/setuid", "/link", "/fifo"} {
		err = errors.Join(err, os.Lchown(top+f, 999, 998))
	}
	if err = errors.Join(err, unix.Chmod(top+"/setuid", 0o6755), unix.Setxattr(top+"/setuid", "user.x", []byte("x"), 0)); err != nil {
		t.Fatal(err)
	}
	return Source{Root: root, Path: "/srv/data"}
}

// TestFallbacks: both ways show the same as an overlay on idmapped layers does,
// the new owner can change it, and the image stays as it is.
func TestFallbacks(t *testing.T) {
	d := nasty(t)
	top := d.Root + d.Path
	for name, show := range map[string]func(*Stage) (string, error){
		"single": func(s *Stage) (string, error) {
			m, n, err := s.Single(d, r, r, false)
			if n != 12 {
				t.Errorf("%d files, want 12", n)
			}
			return m, err
		},
		"copy": func(s *Stage) (string, error) {
			c, err := s.Copy(d, r, r)
			if c.Files != 12 || c.Skipped != 3 || c.Bytes != 7+7+10+6+1<<16 {
				t.Errorf("%+v", c)
			}
			return c.Path, err
		},
	} {
		onStage(t, func(s *Stage) error {
			m, err := show(s)
			if err != nil {
				return err
			}
			for file, want := range map[string][2]uint32{
				"": {r, r}, "/file": {r, r}, "/setuid": {r, r}, "/roots": {0, 0}, "/link": {r, r}, "/sub/deep/sparse": {r, r}, "/up": {0, 0},
			} {
				if got := owner(t, m+file); got != want {
					t.Errorf("%s: %s is %v, want %v", name, file, got, want)
				}
			}
			var st unix.Stat_t
			if err := unix.Stat(m+"/setuid", &st); err != nil || st.Mode&0o7777 != 0o755 {
				t.Errorf("%s: the setuid file has mode %o (%v)", name, st.Mode, err)
			}
			if to, err := os.Readlink(m + "/link"); err != nil || to != "../../secret" {
				t.Errorf("%s: link to %s, %v", name, to, err)
			}
			if b, err := os.ReadFile(m + "/file"); string(b) != "content" {
				t.Errorf("%s: %q %v", name, b, err)
			}
			if name == "copy" {
				for _, f := range []string{"/fifo", "/null", "/sock"} {
					if _, err := os.Lstat(m + f); !errors.Is(err, os.ErrNotExist) {
						t.Errorf("copy: %s is there (%v)", f, err)
					}
				}
			} else if _, err := unix.Open(m+"/null", unix.O_RDONLY, 0); !errors.Is(err, unix.EACCES) {
				t.Errorf("single: a device can be opened: %v", err)
			}
			m = reach(t, m)
			return as(r, func() error {
				return errors.Join(os.WriteFile(m+"/file", []byte("changed"), 0), os.WriteFile(m+"/sub/deep/new", nil, 0o600), os.Remove(m+"/setuid"), os.Chmod(m+"/sub", 0o700))
			})
		})
	}
	for file, want := range map[string]string{"/file": "content", "/hard": "content"} {
		if b, _ := os.ReadFile(top + file); string(b) != want {
			t.Errorf("the image's %s is %q", file, b)
		}
	}
	if got := owner(t, top+"/file"); got != [2]uint32{999, 998} {
		t.Errorf("the image's file is %v", got)
	}
	if b, _ := os.ReadFile(d.Root + "/secret"); string(b) != "secret" || owner(t, d.Root+"/secret") != [2]uint32{0, 0} {
		t.Error("a link was followed")
	}
}

// TestFallbacksBeside: what the image has stays root's, and new files can be made.
func TestFallbacksBeside(t *testing.T) {
	root := t.TempDir()
	if err := errors.Join(os.MkdirAll(root+"/app/logs", 0o755), os.WriteFile(root+"/app/code", []byte("code"), 0o644)); err != nil {
		t.Fatal(err)
	}
	for name, show := range map[string]func(*Stage, Source) (string, error){
		"single": (*Stage).SingleBeside,
		"copy":   func(s *Stage, d Source) (string, error) { c, err := s.CopyBeside(d); return c.Path, err },
	} {
		onStage(t, func(s *Stage) error {
			m, err := show(s, Source{root, "/app"})
			if err != nil {
				return err
			}
			m = reach(t, m)
			return as(r, func() error {
				for what, err := range map[string]error{
					"change": os.WriteFile(m+"/code", nil, 0), "remove": os.Remove(m + "/code"), "rename": os.Rename(m+"/code", m+"/c"),
				} {
					if err == nil {
						t.Errorf("%s: could %s a file of the image", name, what)
					}
				}
				return errors.Join(os.WriteFile(m+"/new", nil, 0o600), os.WriteFile(m+"/logs/new", nil, 0o600))
			})
		})
	}
}

// TestFallbacksAreBounded: what is too much leaves nothing behind in memory.
func TestFallbacksAreBounded(t *testing.T) {
	many, big, deep := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.Mkdir(many+"/d", 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range maxFiles + 1 {
		if err := os.WriteFile(many+"/d/"+strconv.Itoa(i), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(big + "/sparse")
	if err == nil {
		err = errors.Join(f.Truncate(1<<40), f.Close(), os.MkdirAll(deep+strings.Repeat("/d", maxDepth+2), 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
	onStage(t, func(s *Stage) error {
		for name, d := range map[string]Source{"many": {many, "/d"}, "big": {filepath.Dir(big), "/" + filepath.Base(big)}, "deep": {deep, "/d"}} {
			if _, err := s.Copy(d, r, r); !errors.Is(err, ErrTooMuch) {
				t.Errorf("copy of %s: %v", name, err)
			}
			if _, _, err := s.Single(d, r, r, false); (err == nil) != (name == "big") || err != nil && !errors.Is(err, ErrTooMuch) {
				t.Errorf("overlay of %s: %v", name, err)
			}
		}
		var st unix.Statfs_t
		err := unix.Statfs(Dir, &st)
		if used := (st.Blocks - st.Bfree) * uint64(st.Bsize); used > 1<<16 {
			t.Errorf("%d bytes of memory are left in use", used)
		}
		return err
	})
	if n, err := os.ReadDir(many + "/d"); err != nil || len(n) != maxFiles+1 {
		t.Errorf("%d files of the image are left (%v)", len(n), err)
	}
}

// TestSourceIsNotLeft: no link leads out of the root filesystem.
func TestSourceIsNotLeft(t *testing.T) {
	root := t.TempDir()
	if err := errors.Join(os.Mkdir(root+"/a", 0o755), os.Symlink("/etc", root+"/etc"), os.Symlink("../..", root+"/a/up")); err != nil {
		t.Fatal(err)
	}
	onStage(t, func(s *Stage) error {
		for _, p := range []string{"/etc", "/a/up", "/a/../..", "/missing"} {
			if _, err := s.Copy(Source{root, p}, r, r); err == nil {
				t.Errorf("copied %s", p)
			}
			if _, _, err := s.Single(Source{root, p}, r, r, false); err == nil {
				t.Errorf("showed %s", p)
			}
		}
		return nil
	})
}
