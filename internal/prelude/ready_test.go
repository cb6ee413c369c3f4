// SPDX-License-Identifier: Apache-2.0

package prelude

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/runclad/runclad/internal/record"
)

// stored opens a store of records for ready to look at.
func stored(t *testing.T) (record.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "runclad")
	s, err := record.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	was := runDir
	t.Cleanup(func() { runDir = was })
	runDir = name(dir + "\x00")
	return s, dir
}

func written(t *testing.T, s record.Store, root, id, block string) record.Record {
	t.Helper()
	self, err := record.Self()
	if err != nil {
		t.Fatal(err)
	}
	r := record.Record{ID: id, Root: root, Flavor: "runc", Block: block, CreatorPID: self.PID, CreatorStart: self.Start, Created: "2026-01-02T03:04:05Z"}
	if err := s.Write(r); err != nil {
		t.Fatal(err)
	}
	return r
}

func startPassed(args ...string) bool {
	return passed(laid(append([]string{"runclad"}, args...)))
}

func TestReady(t *testing.T) {
	s, dir := stored(t)
	root := t.TempDir()
	id := strings.Repeat("a", maxID)
	now := written(t, s, root, id, record.BlockAtCreate)
	later := written(t, s, root, "later", record.BlockAtStart)
	for _, c := range []struct {
		args string
		want bool
	}{
		{"--root ROOT --log /l --log-format json start ID", true},
		{"--root ROOT start ID", true},
		{"--root ROOT start later", false},
		{"--root ROOT start other", false},
		{"--root ROOT start ID more", false},
		{"--root ROOT start -- ID", false},
		{"--root ROOT start", false},
		{"--root ROOT --root ROOT start ID", false},
		{"--root ROOT/ start ID", false},
		{"--root /.ROOT start ID", false},
		{"--root ROOT/../x start ID", false},
		{"--root ROOTx start ID", false},
		{"--root relative start ID", false},
		{"--root ROOT start IDa", false},
		{"--root ROOT start ../ID", false},
		{"--root ROOT start .", false},
		{"start ID", false},
		{"start --root ROOT ID", false},
	} {
		args := strings.Fields(strings.NewReplacer("ROOT", root, "ID", id).Replace(c.args))
		if got := startPassed(args...); got != c.want {
			t.Errorf("%s: %t, want %t", c.args, got, c.want)
		}
	}
	if err := s.MarkReady(later); err != nil {
		t.Fatal(err)
	}
	if !startPassed("--root", root, "start", "later") {
		t.Error("not ready when the block stands")
	}

	// Whatever is not as package record left it is in doubt.
	note := s.Path(now, record.ReadyName)
	start := func() bool { return startPassed("--root", root, "start", id) }
	for name, doubt := range map[string]struct{ do, undo func() error }{
		"another root in the note": {
			func() error { return os.WriteFile(note, []byte(root+"x"), 0o600) },
			func() error { return os.WriteFile(note, []byte(root), 0o600) },
		},
		"an empty note": {
			func() error { return os.WriteFile(note, nil, 0o600) },
			func() error { return os.WriteFile(note, []byte(root), 0o600) },
		},
		"a link for a note": {
			func() error { return errors.Join(os.Rename(note, note+"x"), os.Symlink(note+"x", note)) },
			func() error { return errors.Join(os.Remove(note), os.Rename(note+"x", note)) },
		},
		"two creations": {
			func() error { return os.Mkdir(filepath.Dir(note)+"x", 0o700) },
			func() error { return os.Remove(filepath.Dir(note) + "x") },
		},
		"a name that is too long": {
			func() error {
				return os.Rename(filepath.Dir(note), filepath.Join(filepath.Dir(filepath.Dir(note)), strings.Repeat("x", 255)))
			},
			func() error {
				return os.Rename(filepath.Join(filepath.Dir(filepath.Dir(note)), strings.Repeat("x", 255)), filepath.Dir(note))
			},
		},
		"a folder that others may read": {
			func() error { return os.Chmod(dir, 0o750) },
			func() error { return os.Chmod(dir, 0o700) },
		},
		"a folder that others can replace": {
			func() error { return os.Chmod(filepath.Dir(dir), 0o777) },
			func() error { return os.Chmod(filepath.Dir(dir), 0o755) },
		},
		"a link for the folder": {
			func() error { return errors.Join(os.Rename(dir, dir+"x"), os.Symlink(dir+"x", dir)) },
			func() error { return errors.Join(os.Remove(dir), os.Rename(dir+"x", dir)) },
		},
	} {
		if !start() {
			t.Fatalf("before %s: not ready", name)
		}
		if err := doubt.do(); err != nil {
			t.Fatal(err)
		}
		if start() {
			t.Errorf("%s: ready", name)
		}
		if err := doubt.undo(); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, 12345, 0); err != nil {
			t.Fatal(err)
		}
		if start() {
			t.Error("another's folder: ready")
		}
		if err := os.Chown(dir, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Remove(now); err != nil {
		t.Fatal(err)
	}
	if start() {
		t.Error("ready without a record")
	}
}

// FuzzPlain: what is taken for an ID or a root without Go is one to package record.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"c1", "-c", ".c", "a.b_c+d-e", "", "/run/runc", "/", "//x", "/x/", "/x/../y", "/x/./y", "/.x", "x", strings.Repeat("a", 201), "/" + strings.Repeat("a", 3072)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := syscall.BytePtrFromString(s)
		if err != nil {
			return
		}
		if n := plainID(p); n != 0 && (n != len(s) || record.CheckID(s) != nil) {
			t.Errorf("ID %q: %d, %v", s, n, record.CheckID(s))
		}
		if n := plainRoot(p); n != 0 && (n != len(s) || record.CheckRoot(s) != nil) {
			t.Errorf("root %q: %d, %v", s, n, record.CheckRoot(s))
		}
	})
}
