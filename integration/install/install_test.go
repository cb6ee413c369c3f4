// SPDX-License-Identifier: Apache-2.0

package install

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
)

func TestPrograms(t *testing.T) {
	e := current(t)
	tr := newTree(t, nil)
	out := e.must(t, "--root", tr.dir)
	for _, want := range []string{`"runclad": { "path": "/usr/local/bin/runclad" }`, `BinaryName = "/usr/local/bin/runclad"`, `runclad = ["/usr/local/bin/runclad"]`} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not said", want)
		}
	}
	for _, name := range []string{"runclad", "runcladctl"} {
		want, err := os.ReadFile(filepath.Join(source, "bin", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := tr.read("usr/local/bin/" + name); got != string(want) {
			t.Errorf("%s differs from bin/%s", name, name)
		}
	}
	for name := range tr.files() {
		if !strings.HasPrefix(name, "/usr/local/bin/runclad") && !strings.HasPrefix(name, "/usr/local/share/man/man") {
			t.Errorf("%s was written unasked", name)
		}
	}
	e.must(t, "--root", tr.dir, "--uninstall")
	tr.same(map[string]string{}, "after uninstall")
}

// A shim that runs while it is replaced keeps its file: the new one has another
// inode.
func TestProgramsAreRenamed(t *testing.T) {
	tr := newTree(t, map[string]string{"usr/local/bin/runclad": "an older one"})
	old, err := os.Open(filepath.Join(tr.dir, "usr/local/bin/runclad"))
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	current(t).must(t, "--root", tr.dir)
	b := make([]byte, 64)
	n, _ := old.ReadAt(b, 0)
	if string(b[:n]) != "an older one" {
		t.Errorf("the running file became %q", b[:n])
	}
	if fi, err := os.Stat(old.Name()); err != nil || fi.Mode() != 0o755 || fi.Size() < 1<<20 {
		t.Errorf("%v, %v", fi, err)
	}
}

func TestDropIns(t *testing.T) {
	roundTrip(t, current(t), nil, func(tr tree) {
		if got := tr.read("etc/containers/containers.conf.d/runclad.conf"); !strings.Contains(got, "[engine.runtimes]\nrunclad = [\"/usr/local/bin/runclad\"]\n") {
			t.Errorf("Podman: %s", got)
		}
		got := tr.read("etc/crio/crio.conf.d/90-runclad.conf")
		for _, want := range []string{"default_runtime = \"runclad\"", "[crio.runtime.runtimes.runclad]\nruntime_path = \"/usr/local/bin/runclad\"\nruntime_type = \"oci\""} {
			if !strings.Contains(got, want) {
				t.Errorf("CRI-O: %s lacks %s", got, want)
			}
		}
		if got := tr.read("etc/logrotate.d/runclad"); !strings.Contains(got, bed.AuditFile) {
			t.Errorf("logrotate: %s", got)
		}
	}, "--podman", "--crio", "--default-runtime", "--logrotate")
}

func TestLinksAreLeftAlone(t *testing.T) {
	for flag, file := range map[string]string{"--docker": daemonJSON, "--containerd": configTOML} {
		tr := newTree(t, map[string]string{"real": "{}"})
		link := filepath.Join(tr.dir, file)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(tr.dir, "real"), link); err != nil {
			t.Fatal(err)
		}
		out, code := current(t).install(t, "--root", tr.dir, flag)
		if code == 0 || !strings.Contains(out, "symbolic link") || tr.read("real") != "{}" {
			t.Errorf("%s: status %d, %s", flag, code, out)
		}
	}
}

func TestWrongUse(t *testing.T) {
	tr := newTree(t, nil)
	for _, args := range [][]string{
		{"--bogus"},
		{"--root"},
		{"--root", "/nonexistent"},
		{"--root", tr.dir, "--prefix", "usr"},
		{"--root", tr.dir, "--prefix", `/usr/"x`},
		{"--root", tr.dir, "--default-runtime"},
	} {
		if out, code := current(t).install(t, args...); code == 0 {
			t.Errorf("%v: accepted: %s", args, out)
		}
	}
	tr.same(map[string]string{}, "after wrong use")
}

// deploy/policy.toml shows the defaults: whoever starts from it changes nothing
// until he edits it.
func TestPolicyIsTheDefault(t *testing.T) {
	tr := newTree(t, nil)
	e := current(t)
	e.must(t, "--root", tr.dir, "--policy")
	const name = "etc/runclad/policy.toml"
	p, err := policy.Place{File: filepath.Join(tr.dir, name)}.Read()
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Default()
	p.Files, p.Digest = nil, ""
	for _, prof := range []*policy.Profile{p.Profile(), want.Profile()} { // [] and absent mean the same
		v := reflect.ValueOf(prof).Elem()
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() == reflect.Slice && f.Len() == 0 {
				f.SetZero()
			}
		}
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got %+v, want %+v", p.Profile(), want.Profile())
	}
	for key := range reflect.TypeFor[policy.Profile]().Fields() {
		if tag := key.Tag.Get("toml"); tag != "-" && !strings.Contains(tr.read(name), tag+" =") {
			t.Errorf("the key %s is not shown", tag)
		}
	}
	tr.write(name, "# mine\n")
	e.must(t, "--root", tr.dir, "--policy")
	e.must(t, "--root", tr.dir, "--uninstall")
	if got := tr.read(name); got != "# mine\n" {
		t.Errorf("the policy became %q", got)
	}
}

// TestHost works without --root, on the bed's own /etc and /run: Podman finds
// the drop-in, and nothing is removed while a container is alive.
func TestHost(t *testing.T) {
	e := current(t)
	prefix := t.TempDir()
	flags := []string{"--prefix", prefix, "--podman"}
	bed.Use(t, bed.DebianRunc(t))
	if out := e.must(t, flags...); strings.Contains(out, "not checked") {
		t.Errorf("Podman was not asked")
	}
	const conf = "/etc/containers/containers.conf.d/runclad.conf"
	if r := bed.Run("/usr/bin/podman", "--runtime", "runclad", "info", "--format", "{{.Host.OCIRuntime.Path}}"); strings.TrimSpace(r.Stdout) != prefix+"/bin/runclad" {
		t.Errorf("Podman: %v", r)
	}

	store, err := record.Open(record.DefaultDir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	self, err := record.Self()
	if err != nil {
		t.Fatal(err)
	}
	r := record.Record{
		ID: "alive", Root: "/run/runc", Flavor: "runc", Engine: "docker", Block: record.BlockAllowed,
		CreatorPID: self.PID, CreatorStart: self.Start, Created: time.Now().UTC().Format(time.RFC3339Nano),
	}
	if err := store.Write(r); err != nil {
		t.Fatal(err)
	}
	out, code := e.install(t, "--prefix", prefix, "--uninstall")
	if code == 0 || !strings.Contains(out, "alive") || !strings.Contains(out, "--force") {
		t.Errorf("status %d: %s", code, out)
	}
	if !exists(prefix+"/bin/runclad") || !exists(conf) {
		t.Errorf("something was removed")
	}
	e.must(t, "--prefix", prefix, "--uninstall", "--force")
	if exists(prefix+"/bin/runclad") || exists(conf) {
		t.Errorf("something stays")
	}
	if err := store.Remove(r); err != nil {
		t.Fatal(err)
	}
	e.must(t, flags...)
	e.must(t, "--prefix", prefix, "--uninstall")
	if left := (tree{t, prefix}).files(); len(left) > 0 {
		t.Errorf("%d files are left", len(left))
	}
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}
