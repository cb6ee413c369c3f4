// SPDX-License-Identifier: Apache-2.0

package install

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

func TestMain(m *testing.M) { bed.Main(m) }

// engines names the programs that install.sh asks.
type engines struct{ dockerd, containerd, crio string }

func current(t *testing.T) engines {
	return engines{
		dockerd:    bed.Cached(t, "dockerd-v2.0.0-beta.24", "dockerd"),
		containerd: bed.Cached(t, "containerd-v2.4.2", "containerd"),
	}
}

func debian(t *testing.T) engines {
	return engines{
		dockerd:    bed.Installed(t, "/usr/sbin/dockerd", "/usr/bin/dockerd"),
		containerd: bed.Installed(t, "/usr/bin/containerd"),
	}
}

// source is a copy of what install.sh needs, so that a build in the meantime
// does not show.
var source string

func copySource(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "source-")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"install.sh", "docs/man", "deploy", "bin/runclad", "bin/runcladctl"} {
		to := filepath.Join(dir, filepath.Dir(f))
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		bed.MustRun(t, "cp", "-r", filepath.Join(bed.Repo(t), f), to)
	}
	source = dir
}

// install runs install.sh and returns what it printed and its status.
func (e engines) install(t *testing.T, args ...string) (string, int) {
	t.Helper()
	if source == "" {
		copySource(t)
	}
	cmd := exec.Command(filepath.Join(source, "install.sh"), args...)
	cmd.Env = append(os.Environ(), "DOCKERD="+e.dockerd, "CONTAINERD="+e.containerd, "PODMAN=/usr/bin/podman", "CRIO="+cmp.Or(e.crio, "/nonexistent"))
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	t.Logf("install.sh %s: %d\n%s", strings.Join(args, " "), cmd.ProcessState.ExitCode(), out)
	return string(out), cmd.ProcessState.ExitCode()
}

func (e engines) must(t *testing.T, args ...string) string {
	t.Helper()
	out, code := e.install(t, args...)
	if code != 0 {
		t.Fatalf("install.sh %v: status %d", args, code)
	}
	return out
}

// A tree is where install.sh works with --root.
type tree struct {
	t   *testing.T
	dir string
}

// newTree makes a tree that holds the given files.
func newTree(t *testing.T, files map[string]string) tree {
	t.Helper()
	tr := tree{t, t.TempDir()}
	for name, data := range files {
		tr.write(name, data)
	}
	return tr
}

func (tr tree) write(name, data string) {
	tr.t.Helper()
	file := filepath.Join(tr.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(data), 0o640); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr tree) read(name string) string {
	tr.t.Helper()
	b, err := os.ReadFile(filepath.Join(tr.dir, name))
	if err != nil {
		tr.t.Fatal(err)
	}
	return string(b)
}

// files returns every file with its mode and content.
func (tr tree) files() map[string]string {
	tr.t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(tr.dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(p)
		out[strings.TrimPrefix(p, tr.dir)] = fmt.Sprintf("%v %s", fi.Mode(), b)
		return err
	})
	if err != nil {
		tr.t.Fatal(err)
	}
	return out
}

// same fails when the tree's files are not as they were.
func (tr tree) same(before map[string]string, when string) {
	tr.t.Helper()
	after := tr.files()
	if reflect.DeepEqual(before, after) {
		return
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			tr.t.Errorf("%s: %s is new", when, name)
		}
	}
	for name, was := range before {
		if is, ok := after[name]; !ok {
			tr.t.Errorf("%s: %s is gone", when, name)
		} else if is != was {
			tr.t.Errorf("%s: %s changed from\n%.2000q\nto\n%.2000q", when, name, was, is)
		}
	}
}

// roundTrip installs with flag, lets check look, installs again, and
// uninstalls: the second run changes nothing, nor does a dry one, and in the end
// every file is as before, byte for byte.
// It returns what the installation said.
func roundTrip(t *testing.T, e engines, files map[string]string, check func(tree), flags ...string) string {
	t.Helper()
	tr := newTree(t, files)
	before := tr.files()
	args := append([]string{"--root", tr.dir}, flags...)
	if out := e.must(t, append(args, "--dry-run")...); !strings.Contains(out, "+") {
		t.Errorf("a dry run shows no change")
	}
	tr.same(before, "after a dry run")
	said := e.must(t, args...)
	check(tr)
	installed := tr.files()
	if out := e.must(t, args...); strings.Contains(out, "wrote") || strings.Contains(out, "take effect") {
		t.Errorf("the second run writes: %s", out)
	}
	tr.same(installed, "after the second run")
	e.must(t, "--root", tr.dir, "--uninstall", "--dry-run")
	tr.same(installed, "after a dry uninstall")
	e.must(t, "--root", tr.dir, "--uninstall")
	tr.same(before, "after uninstall")
	e.must(t, "--root", tr.dir, "--uninstall")
	return said
}

// refused installs with flag and wants a failure that says why and leaves
// everything as it was.
func refused(t *testing.T, e engines, files map[string]string, why, flag string) {
	t.Helper()
	tr := newTree(t, files)
	e.must(t, "--root", tr.dir) // the programs are not what is asked about
	before := tr.files()
	out, code := e.install(t, "--root", tr.dir, flag)
	if code == 0 || !strings.Contains(out, why) {
		t.Errorf("status %d, and %q is not said: %s", code, why, out)
	}
	tr.same(before, "after a refusal")
}
