// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/ctl/node"
)

// hostWith returns one with the given files and no engine that runs; runclad is its
// /usr/bin/runclad, and engines are installed where asked for.
func hostWith(t *testing.T, files map[string]string, engines ...string) *Host {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		p := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	script := filepath.Join(root, "version")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho containerd github.com/containerd/containerd v1.7.2 abc\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &Host{Root: root, Shim: filepath.Join(root, "usr/bin/runclad"), Program: func(names ...string) string {
		for _, n := range names {
			for _, e := range engines {
				if n == e {
					return script
				}
			}
		}
		return ""
	}}
}

// expect checks findings of one area: "check verdict: part of the text".
func expect(t *testing.T, check func(*area), want ...string) {
	t.Helper()
	r := &Report{Counts: map[Verdict]int{}}
	check(&area{"x", r})
	var got []string
	for _, f := range r.Findings {
		got = append(got, f.Check+" "+string(f.Verdict)+": "+f.Text)
		if (f.Verdict == Problem || f.Verdict == Warning) && f.Remedy == "" {
			t.Errorf("%+v has no remedy", f)
		}
	}
	for _, w := range want {
		head, text, _ := strings.Cut(w, ": ")
		found := false
		for _, g := range got {
			found = found || strings.HasPrefix(g, head+": ") && strings.Contains(g, text)
		}
		if !found {
			t.Errorf("no finding %q in:\n%s", w, strings.Join(got, "\n"))
		}
	}
}

func TestDocker(t *testing.T) {
	for _, tt := range []struct {
		name, config string
		want         []string
	}{
		{"absent", "", []string{"runtimes warning: no runtime"}},
		{"broken", "{", []string{"configuration problem: daemon.json"}},
		{"named", `{"runtimes":{"runclad":{"path":"/usr/local/bin/runclad"}}}`, []string{"runtimes ok: the default is runc", "BuildKit warning"}},
		{"default", `{"runtimes":{"x":{"path":"/usr/local/bin/runclad"}},"default-runtime":"x","features":{"buildkit":false}}`, []string{"runtimes ok: x is runclad, and the default"}},
		{"args", `{"runtimes":{"x":{"path":"/usr/local/bin/runclad","runtimeArgs":["--debug"]}}}`, []string{"runtimeArgs problem: shell script"}},
		{"type", `{"runtimes":{"x":{"path":"/usr/local/bin/runclad","runtimeType":"io.containerd.runc.v2"}}}`, []string{"runtimeType problem: both"}},
		{"userns", `{"userns-remap":"default","seccomp-profile":"unconfined"}`, []string{"userns-remap warning", "seccomp ok: Docker's own"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{}
			if tt.config != "" {
				files["etc/docker/daemon.json"] = tt.config
			}
			expect(t, hostWith(t, files, "dockerd").docker, tt.want...)
		})
	}
	expect(t, hostWith(t, nil).docker) // no Docker, no finding
	h := hostWith(t, nil)
	h.Daemons = []node.Daemon{{Name: "dockerd", UID: 1000}}
	expect(t, h.docker, "daemon problem: without root")
	h.Daemons = []node.Daemon{{Name: "dockerd", Args: []string{"dockerd", "--add-runtime", "clad=/opt/runclad", "--default-runtime=clad"}}}
	expect(t, h.docker, "runtimes ok: clad is runclad, and the default")
}

const handler = `
[plugins."%s".containerd.runtimes.runclad]
runtime_type = "%s"
[plugins."%s".containerd.runtimes.runclad.options]
BinaryName = "/usr/local/bin/runclad"
`

func config(version, plugin, kind, more string) string {
	text := strings.ReplaceAll(handler, `plugins."%s"`, `plugins."`+plugin+`"`)
	return version + strings.ReplaceAll(text, "%s", kind) + more
}

func TestContainerd(t *testing.T) {
	const v2, v3, runc = "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime", "io.containerd.runc.v2"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"absent", nil, []string{"configuration warning: is absent"}},
		{"broken", map[string]string{"etc/containerd/config.toml": "version ="}, []string{"configuration problem"}},
		{"none", map[string]string{"etc/containerd/config.toml": "version = 2\n"}, []string{"handlers warning: no runtime handler"}},
		{"v2", map[string]string{"etc/containerd/config.toml": config("version = 2", v2, runc, "")}, []string{"handlers ok: runclad, for pods", "version ok: 1.7.2"}},
		{"default", map[string]string{"etc/containerd/config.toml": config("version = 2", v2, runc, "[plugins.\""+v2+"\".containerd]\ndefault_runtime_name = \"runclad\"\n")}, []string{"handlers ok: and the default for pods"}},
		{"type", map[string]string{"etc/containerd/config.toml": config("version = 2", v2, "io.containerd.kata.v2", "")}, []string{"handlers problem: does not read BinaryName"}},
		{"v3 in 1.x", map[string]string{"etc/containerd/config.toml": config("version = 3", v3, runc, "")}, []string{"configuration problem: version 3, which containerd 1 does not know"}},
		{"v3 table in v2", map[string]string{"etc/containerd/config.toml": config("version = 2", v3, runc, "")}, []string{"handlers problem: does not read", "handlers warning: no runtime handler"}},
		{"imported", map[string]string{
			"etc/containerd/config.toml":         "version = 2\nimports = [\"conf.d/*.toml\"]\n",
			"etc/containerd/conf.d/runclad.toml": config("version = 2", v2, runc, ""),
		}, []string{"handlers ok: runclad, for pods"}},
		{"Docker's own", map[string]string{"etc/containerd/config.toml": "version = 2\ndisabled_plugins = [\"cri\"]\n"}, []string{"handlers ok: switches the CRI off"}},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, hostWith(t, tt.files, "containerd").containerd, tt.want...) })
	}
}

func TestCRIOAndPodman(t *testing.T) {
	h := hostWith(t, map[string]string{
		"etc/crio/crio.conf":                "[crio.runtime]\ndefault_runtime = \"runc\"\nread_only = true\n",
		"etc/crio/crio.conf.d/9-clad.conf":  "[crio.runtime.runtimes.runclad]\nruntime_path = \"/usr/local/bin/runclad\"\n",
		"etc/containers/containers.conf":    "[engine]\nruntime = \"clad\"\n[engine.runtimes]\nclad = [\"/opt/runclad\"]\n",
		"usr/share/containers/ignored.conf": "nonsense",
	}, "crio", "podman")
	expect(t, h.crio, "runtimes ok: runclad, for pods", "read_only warning")
	expect(t, h.podman, "runtimes ok: clad is runclad, and the default")
	h = hostWith(t, map[string]string{"etc/containers/containers.conf": "= broken"}, "podman", "crio")
	expect(t, h.crio, "runtimes warning: not hardened")
	expect(t, h.podman, "configuration problem: containers.conf")
}

// An error that does not say that the thing is missing leaves the answer open.
func TestProbesHaveThreeAnswers(t *testing.T) {
	for err, want := range map[error]Verdict{
		nil:                              OK,
		unix.EPERM:                       Unknown,
		errUnknown{errors.New("no way")}: Unknown,
		unix.ENOSYS:                      Problem,
	} {
		r := &Report{Counts: map[Verdict]int{}}
		probe(&area{"x", r}, "c", err, "good", "remedy")
		if f := r.Findings[0]; f.Verdict != want || r.Counts[want] != 1 {
			t.Errorf("%v: %+v", err, f)
		}
	}
}

func TestLooseOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root's files are good, and this is not root")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := looseOwner(file); got != "" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	for name, change := range map[string]func() error{
		"file":   func() error { return os.Chmod(file, 0o664) },
		"folder": func() error { return os.Chmod(dir, 0o777) },
		"owner":  func() error { return os.Chown(file, 1000, 0) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if got, err := looseOwner(file); got == "" || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if err := errors.Join(os.Chmod(file, 0o644), os.Chmod(dir, 0o755), os.Chown(file, 0, 0)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMajorOf(t *testing.T) {
	for out, want := range map[string]int{
		"containerd github.com/containerd/containerd 1.6.20~ds1 abc": 1, "containerd github.com/containerd/containerd/v2 v2.4.2 x": 2, "nothing": 0,
	} {
		if got := majorOf(out); got != want {
			t.Errorf("%s: %d", out, got)
		}
	}
}

func TestPrint(t *testing.T) {
	r := &Report{Counts: map[Verdict]int{}}
	a := &area{"kernel", r}
	a.ok("openat2", "there")
	a.problem("memfd", "do this", "not\x1b there")
	var b bytes.Buffer
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	want := "kernel\n  ok       openat2: there\n  PROBLEM  memfd: not\\x1b there\n           → do this\n\n1 ok, 0 warnings, 1 problem, 0 unknown\n"
	if b.String() != want {
		t.Errorf("got:\n%s", b.String())
	}
}
