// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/internal/record/rundir"
)

type node struct {
	Place
	state rundir.Dir
}

func newNode(t *testing.T) node {
	t.Helper()
	dir := t.TempDir()
	state, err := rundir.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(state.Close)
	return node{Place{filepath.Join(dir, "policy.toml"), filepath.Join(dir, "policy.d")}, state}
}

// write puts a file in place, as of a while ago.
func (n node) write(t *testing.T, name, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name+".new", []byte(text), 0o644), os.Rename(name+".new", name)); err != nil {
		t.Fatal(err)
	}
}

func (n node) load(t *testing.T) *Policy {
	t.Helper()
	p, notes, err := n.Load(n.state)
	if err != nil || len(notes) > 0 {
		t.Fatal(err, notes)
	}
	return p
}

func (n node) compiled() *Policy {
	p, _ := readCompiled(n.state)
	return p
}

func TestLoad(t *testing.T) {
	n := newNode(t)
	if p := n.load(t); !reflect.DeepEqual(p, Default()) {
		t.Fatalf("absent: %+v", p)
	}
	n.write(t, n.File, "audit = \"best-effort\"\n[[rule]]\nname = \"main\"\n")
	n.write(t, n.Dir+"/20-b.toml", "[[rule]]\nname = \"b\"\n")
	n.write(t, n.Dir+"/10-a.toml", "[[rule]]\nname = \"a\"\n")
	n.write(t, n.Dir+"/.hidden.toml", "garbage")
	n.write(t, n.Dir+"/README", "garbage")
	p := n.load(t)
	var names []string
	for _, r := range p.Rules {
		names = append(names, r.Name)
	}
	if strings.Join(names, " ") != "a b main" || p.Audit != AuditBestEffort || p.Digest == "" {
		t.Errorf("%v %+v", names, p)
	}
}

// Files that somebody else could have written are not obeyed.
func TestLoadTrusts(t *testing.T) {
	for name, spoil := range map[string]func(n node) error{
		"writable file":   func(n node) error { return os.Chmod(n.File, 0o664) },
		"another's file":  func(n node) error { return os.Chown(n.File, 1000, 0) },
		"folder as file":  func(n node) error { return errors.Join(os.Remove(n.File), os.Mkdir(n.File, 0o755)) },
		"link":            func(n node) error { return errors.Join(os.Remove(n.File), os.Symlink("/etc/passwd", n.File)) },
		"writable folder": func(n node) error { return os.Chmod(n.Dir, 0o777) },
		"another's":       func(n node) error { return os.Chown(n.Dir, 1000, 0) },
		"file for folder": func(n node) error { return errors.Join(os.RemoveAll(n.Dir), os.WriteFile(n.Dir, nil, 0o644)) },
	} {
		n := newNode(t)
		n.write(t, n.File, "")
		n.write(t, n.Dir+"/a.toml", "")
		n.load(t)
		if err := spoil(n); err != nil {
			t.Fatal(err)
		}
		if _, _, err := n.Load(n.state); !errors.Is(err, ErrPolicy) {
			t.Errorf("%s: accepted, or the wrong error: %v", name, err)
		}
	}
}

// The compiled form says what the files say, and only as long as they do.
func TestCompiled(t *testing.T) {
	n := newNode(t)
	n.write(t, n.File, rules+"[profile.baseline]\nuid_range = [5000000, 6000000]\nexec = [\"/tmp\"]\n"+
		"[[rule]]\nname = \"all\"\nclaims = true\nrequestable = [\"writable\"]\nmatch = { annotation = { a = [\"b\", \"c\"] }, sandbox = false }\n")
	first := n.load(t)
	if n.compiled() != nil {
		t.Error("a file that was changed this very moment was compiled")
	}
	time.Sleep(racy + 100*time.Millisecond)
	n.load(t)
	kept := n.compiled()
	if kept == nil {
		t.Fatal("nothing was compiled")
	}
	for i := range kept.Rules { // the same moment in another form
		if !kept.Rules[i].Expires.Equal(first.Rules[i].Expires) {
			t.Errorf("expires %v became %v", first.Rules[i].Expires, kept.Rules[i].Expires)
		}
		kept.Rules[i].Expires = first.Rules[i].Expires
	}
	empty := func(p *Policy) *Policy { // [] and absent mean the same
		for i := range p.Rules {
			for _, v := range []reflect.Value{reflect.ValueOf(&p.Rules[i]).Elem(), reflect.ValueOf(&p.Rules[i].Match).Elem()} {
				zeroEmpty(v)
			}
		}
		for _, prof := range p.Profiles {
			zeroEmpty(reflect.ValueOf(prof).Elem())
		}
		return p
	}
	if !reflect.DeepEqual(empty(kept), empty(first)) {
		t.Errorf("compiled %+v\nwant %+v", kept, first)
	}

	n.write(t, n.File, "[profile.default]\npids_limit = 7\n")
	if p := n.load(t); p.Profile().PidsLimit != 7 {
		t.Error("the compiled form outlived its file")
	}
	if err := os.Remove(n.File); err != nil {
		t.Fatal(err)
	}
	if p := n.load(t); p.Profile().PidsLimit != 4096 {
		t.Error("the compiled form outlived its file's removal")
	}
}

func zeroEmpty(v reflect.Value) {
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Slice && f.Len() == 0 {
			f.SetZero()
		}
	}
}

// A compiled form that is broken, or another version's, is not there.
func TestCompiledIsDoubted(t *testing.T) {
	for _, text := range []string{"", "{", "[]", `{"form":99}`, `{"form":1,"fields":2}`} {
		n := newNode(t)
		n.write(t, n.File, "[profile.default]\npids_limit = 7\n")
		if err := n.state.Create(compiledName, 0o600, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if p := n.load(t); p.Profile().PidsLimit != 7 {
			t.Errorf("%q: %+v", text, p.Profile())
		}
	}
}

func TestLastGood(t *testing.T) {
	for onError, holds := range map[string]bool{OnErrorRefuse: false, OnErrorLastGood: true} {
		n := newNode(t)
		n.write(t, n.File, "on_error = \""+onError+"\"\n[profile.default]\npids_limit = 7\n")
		time.Sleep(racy + 100*time.Millisecond)
		n.load(t)
		n.write(t, n.File, "on_error = \"last-good\"\n[profile.default]\npids_limit = = 8\n")
		p, notes, err := n.Load(n.state)
		switch {
		case !holds && !errors.Is(err, ErrPolicy):
			t.Errorf("%s: a broken file: %v", onError, err)
		case holds && (err != nil || p.Profile().PidsLimit != 7 || len(notes) != 1 || !strings.Contains(notes[0], "line 3")):
			t.Errorf("%s: %v, %q, %+v", onError, err, notes, p)
		}
	}
}

// A file that is truncated and written anew is not taken for an empty one.
func TestHalfWritten(t *testing.T) {
	n := newNode(t)
	n.write(t, n.File, "[profile.default]\npids_limit = 7\n")
	done := make(chan struct{})
	slow := false // a busy machine let the file be empty for longer than an editor would
	go func() {
		defer close(done)
		for range 20 {
			time.Sleep(2 * settled)
			began := time.Now()
			f, err := os.OpenFile(n.File, os.O_WRONLY|os.O_TRUNC, 0)
			if err != nil {
				t.Error(err)
				return
			}
			time.Sleep(settled / 10)
			_, _ = f.WriteString("[profile.default]\npids_limit = 7\n")
			_ = f.Close()
			slow = slow || time.Since(began) > settled/2
		}
	}()
	half, loads := 0, 0
	for writing := true; writing; loads++ {
		select {
		case <-done:
			writing = false
		default:
		}
		if p := n.load(t); p.Profile().PidsLimit != 7 {
			half++
		}
	}
	if half > 0 && !slow {
		t.Errorf("half a file was obeyed %d times of %d", half, loads)
	}
}

// TestFilesComeAndGo: whatever is done to the files meanwhile, a policy that
// stands all the time is found.
func TestFilesComeAndGo(t *testing.T) {
	n := newNode(t)
	n.write(t, n.File, "[profile.default]\npids_limit = 7\n")
	other := n.Dir + "/10-other.toml"
	long := "# " + strings.Repeat("x", 64<<10) + "\n[profile.default]\npids_limit = 7\n"
	changes := []func() error{
		func() error { return os.MkdirAll(n.Dir, 0o700) },
		func() error { return os.WriteFile(other, []byte("[profile.other]\n"), 0o600) },
		func() error { return os.WriteFile(n.File+".new", []byte(long), 0o600) },
		func() error { return os.Rename(n.File+".new", n.File) },
		func() error { return os.Remove(other) },
		func() error { return appendTo(n.File, "# and more\n") },
	}
	done := make(chan error, 1)
	go func() {
		for range (maxReads - 1) / len(changes) { // fewer in all than one load bears
			for _, change := range changes {
				if err := change(); err != nil {
					done <- err
					return
				}
				time.Sleep(2 * settled)
			}
		}
		done <- nil
	}()
	for {
		if p := n.load(t); p.Profile().PidsLimit != 7 {
			t.Errorf("%+v", p.Profile())
		}
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}

func appendTo(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
