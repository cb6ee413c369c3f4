// SPDX-License-Identifier: Apache-2.0

package install

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
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

// CRI-O is asked before anything is written; what it says decides. (No crio is
// built for the tests: a script plays it.)
func TestCRIOIsAsked(t *testing.T) {
	crio := filepath.Join(t.TempDir(), "crio")
	script := `#!/bin/sh
set -e
[ "$1" = --config ] && [ "$3" = --config-dir ] && [ "$5" = config ]
[ -f "$2" ] && [ -f "$4/10-ours.conf" ]
grep -q '^runtime_path = "/usr/local/bin/runclad"$' "$4/90-runclad.conf"
if grep -q bad "$4/10-ours.conf"; then echo "it is bad" >&2; exit 1; fi
`
	if err := os.WriteFile(crio, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	e := current(t)
	e.crio = crio
	if out := roundTrip(t, e, map[string]string{"etc/crio/crio.conf.d/10-ours.conf": ""}, func(tree) {}, "--crio"); strings.Contains(out, "not checked") {
		t.Errorf("CRI-O was not asked")
	}
	refused(t, e, map[string]string{"etc/crio/crio.conf.d/10-ours.conf": "bad"}, "it is bad", "--crio")
}

// One engine's refusal leaves the others' files alone too.
func TestAllOrNothing(t *testing.T) {
	tr := newTree(t, map[string]string{configTOML: "version = 3\n[plugins\n"})
	before := tr.files()
	if out, code := current(t).install(t, "--root", tr.dir, "--docker", "--podman", "--containerd"); code == 0 || !strings.Contains(out, "broken already") {
		t.Errorf("status %d", code)
	}
	tr.same(before, "after a refusal")
}

func TestJSON(t *testing.T) {
	tr := newTree(t, nil)
	e := current(t)
	e.must(t, "--root", tr.dir)
	var events []struct{ Action, File, Text string }
	if err := json.Unmarshal([]byte(e.must(t, "--root", tr.dir, "--docker", "--json", "--dry-run")), &events); err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, ev := range events {
		said = append(said, ev.Action)
	}
	if !slices.Contains(said, "would write") || !slices.Contains(said, "effect") || !slices.Contains(said, "unchanged") {
		t.Errorf("said %v", said)
	}
}

// What a package owns is neither overwritten nor removed.
func TestPackaged(t *testing.T) {
	tr := newTree(t, map[string]string{"usr/bin/runclad": "the package's", "usr/share/runclad/packaged": ""})
	before := tr.files()
	e := current(t)
	if out, code := e.install(t, "--root", tr.dir, "--prefix", "/usr"); code == 0 || !strings.Contains(out, "belong to a package") {
		t.Errorf("status %d", code)
	}
	if out := e.must(t, "--root", tr.dir, "--prefix", "/usr", "--uninstall"); !strings.Contains(out, "apt remove runclad") {
		t.Errorf("said %s", out)
	}
	tr.same(before, "after uninstall")
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
		{"--root", tr.dir, "--uninstall", "--docker"},
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
	// The bed's /var/lib is an overlay, on which Podman cannot lay its own.
	bed.Write(t, "/etc/containers/storage.conf", "[storage]\ndriver = \"vfs\"\nrunroot = \"/run/containers/storage\"\ngraphroot = \"/var/lib/containers/storage\"\n")
	if out := e.must(t, flags...); strings.Contains(out, "not checked") {
		t.Errorf("Podman was not asked")
	}
	const conf = "/etc/containers/containers.conf.d/runclad.conf"
	if r := bed.Run("/usr/bin/podman", "--runtime", "runclad", "info", "--format", "{{.Host.OCIRuntime.Path}}"); strings.TrimSpace(r.Stdout) != prefix+"/bin/runclad" {
		t.Errorf("Podman: %v", r)
	}

	// A container that Podman would start through it, and one whose containerd
	// shim calls it.
	bed.MustRun(t, "/usr/bin/podman", "--runtime", "runclad", "create", "--name", "waits", "--rootfs", bed.Rootfs(t), "/bin/true")
	bundle := "/run/containerd/io.containerd.runtime.v2.task/k8s.io/0123456789abcdef"
	bed.Write(t, bundle+"/runtime", prefix+"/bin/runclad")
	bed.Write(t, filepath.Dir(bundle)+"/other/runtime", "/usr/sbin/runc")
	out, code := e.install(t, "--prefix", prefix, "--uninstall")
	for _, want := range []string{"(waits): its runtime is runclad", "containerd container 0123456789ab (k8s.io)"} {
		if code == 0 || !strings.Contains(out, want) {
			t.Errorf("status %d, and %q is not said", code, want)
		}
	}
	if strings.Contains(out, "container other") {
		t.Errorf("a container of runc holds runclad")
	}
	bed.MustRun(t, "/usr/bin/podman", "rm", "waits")
	if err := os.RemoveAll(bundle); err != nil {
		t.Fatal(err)
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
	out, code = e.install(t, "--prefix", prefix, "--uninstall")
	if code == 0 || !strings.Contains(out, "alive") || !strings.Contains(out, "--force") {
		t.Errorf("status %d: %s", code, out)
	}
	if !exists(prefix+"/bin/runclad") || !exists(conf) {
		t.Errorf("something was removed")
	}
	if out := e.must(t, "--prefix", prefix, "--uninstall", "--force"); !strings.Contains(out, "kept       "+prefix+"/bin/runclad") {
		t.Errorf("that the shim stays is not said")
	}
	if !exists(prefix+"/bin/runclad") || exists(conf) {
		t.Errorf("the shim is gone, or the drop-in stays")
	}
	if err := store.Remove(r); err != nil {
		t.Fatal(err)
	}
	e.must(t, flags...)
	e.must(t, "--prefix", prefix, "--uninstall", "--keep-binary")
	if !exists(prefix+"/bin/runclad") || exists(conf) {
		t.Errorf("the shim is gone, or the drop-in stays")
	}
	e.must(t, "--prefix", prefix, "--uninstall")
	if left := (tree{t, prefix}).files(); len(left) > 0 {
		t.Errorf("%d files are left", len(left))
	}
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}
