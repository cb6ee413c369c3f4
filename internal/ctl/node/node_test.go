// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestOwnStatus(t *testing.T) {
	s, err := readStatus(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if s.UID[1] != uint32(os.Geteuid()) || s.GID[0] != uint32(os.Getgid()) || s.Name == "" || s.Zombie {
		t.Errorf("%+v", s)
	}
	if _, err := readStatus(1 << 30); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// The kernel tells the environment with which a process was started; of what
// looks like a credential the name is taken, and nothing else.
func TestEnvironments(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	cmd.Env = []string{"DB_PASSWORD=hunter2", "API_KEY=a=b", "DB_PASSWORD=again", "PATH=/bin", "not a name SECRET=x", "9TOKEN=x", strings.Repeat("A", 200) + "_TOKEN=x"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	for env := []byte(nil); len(env) == 0; { // until execve(2) is through
		var err error
		if env, err = environ(cmd.Process.Pid); err != nil {
			t.Fatal(err)
		}
	}
	gone := &Status{PID: 1 << 30}
	l := &Live{Processes: []*Status{{PID: cmd.Process.Pid}, gone, {PID: cmd.Process.Pid, Zombie: true}}}
	if err := l.environments(); err != nil {
		t.Fatal(err)
	}
	if got, want := l.Processes[0].Credentials, []string{"API_KEY", "DB_PASSWORD"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, p := range l.Processes[1:] {
		if p.Credentials != nil {
			t.Errorf("%+v", p)
		}
	}
}

func TestStatesIn(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a/state.json"), "{}")
	write(t, filepath.Join(root, "b/status"), "{}")
	write(t, filepath.Join(root, "c/other"), "")
	write(t, filepath.Join(root, ".hidden/state.json"), "{}")
	write(t, filepath.Join(root, "state.json"), "{}")
	got, err := statesIn(root)
	if err != nil || !maps.Equal(got, map[string]string{"a": "runc", "b": "crun"}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestRootsComeOnce(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"runc/moby", "runc/k8s.io", "exec/runtime-runc/moby", "elsewhere"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	records := []record.Record{{Root: filepath.Join(dir, "runc/moby")}, {Root: filepath.Join(dir, "elsewhere")}, {Root: filepath.Join(dir, "link")}}
	daemons := []Daemon{{Name: "dockerd", Args: []string{"dockerd", "--exec-root=" + filepath.Join(dir, "exec")}}}
	var got []string
	for _, r := range roots(records, daemons) {
		if rest, ok := strings.CutPrefix(r, dir+"/"); ok {
			got = append(got, rest)
		}
	}
	slices.Sort(got)
	if want := []string{"elsewhere", "exec/runtime-runc/moby", "runc/k8s.io", "runc/moby"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFlags(t *testing.T) {
	d := Daemon{Args: []string{"containerd", "--config", "/a", "-l=debug", "--root", "--state=/s", "config"}}
	for names, want := range map[string]string{"config c": "/a", "l": "debug", "state": "/s", "absent": ""} {
		if got := d.Flag(strings.Fields(names)...); got != want {
			t.Errorf("%s: %q, want %q", names, got, want)
		}
	}
}

func TestReadState(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a/state.json"), `{"id":"a","cgroup_paths":{"pids":"/sys/fs/cgroup/pids/a"},"config":{"labels":["x=y","bundle=/b/a"]}}`)
	write(t, filepath.Join(root, "b/status"), `{"pid":1,"bundle":"/b/b","cgroup-path":"/b"}`)
	c := &Container{ID: "a", Root: root, Flavor: "runc"}
	if err := readState(c); err != nil || c.Bundle != "/b/a" || !slices.Equal(c.Cgroups, []string{"/sys/fs/cgroup/pids/a"}) {
		t.Errorf("%+v, %v", c, err)
	}
	c = &Container{ID: "b", Root: root, Flavor: "crun"}
	if err := readState(c); err != nil || c.Bundle != "/b/b" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestLimit(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{
		"pids.max": "4096\n", "memory.max": "max\n", "cpu.max": "max 100000\n", "memory.limit_in_bytes": "9223372036854771712\n", "cpu.cfs_quota_us": "-1\n",
	} {
		write(t, filepath.Join(dir, file), text)
	}
	for file, want := range map[string]uint64{"pids.max": 4096, "memory.max": 0, "cpu.max": 0, "memory.limit_in_bytes": 0, "cpu.cfs_quota_us": 0} {
		if l := limit([]string{"/nowhere", dir}, "absent", file); !l.Known || l.Max != want || !strings.HasPrefix(l.Text, file) {
			t.Errorf("%s: %+v", file, l)
		}
	}
	if l := limit([]string{dir}, "absent"); l.Known {
		t.Errorf("%+v", l)
	}
}

func TestContainerOf(t *testing.T) {
	for raw, want := range map[string]string{
		`{"time":"x","container":"abc","name":"y"}`: "abc",
		`{"time":"x"}`:      "",
		`{"container":"abc`: "",
	} {
		got, ok := containerOf([]byte(raw))
		if ok != (want != "") || ok && string(got) != want {
			t.Errorf("%s: %q, %v", raw, got, ok)
		}
	}
}

// A container that the policy handed off is no bypass, whether it has a record
// or only a line; one that merely once had a line is.
func TestBypasses(t *testing.T) {
	line := func(decision string) *auditlog.Entry { return &auditlog.Entry{Decision: decision} }
	for _, tt := range []struct {
		c    Container
		want bool
	}{
		{Container{State: Running}, true},
		{Container{State: Stopped}, true},
		{Container{State: Running, Record: &record.Record{}}, false},
		{Container{State: Running, Line: line(auditlog.Exempted)}, false},
		{Container{State: Running, Line: line(auditlog.Audited)}, false},
		{Container{State: Running, Line: line(auditlog.Hardened)}, true},
		{Container{State: Gone}, false},
	} {
		if got := tt.c.Bypasses(); got != tt.want {
			t.Errorf("%+v: %v", tt.c, got)
		}
	}
}

func TestTheLastLineCounts(t *testing.T) {
	log := filepath.Join(t.TempDir(), "audit.jsonl")
	write(t, log, strings.Join([]string{
		`{"time":"2026-01-01T00:00:00Z","decision":"hardened","verb":"create","container":"a","rule":"old"}`,
		`{"time":"2026-01-03T00:00:00Z","decision":"exempted","verb":"create","container":"a","rule":"new","exemptions":["x"]}`,
		`{"time":"2026-01-02T00:00:00Z","decision":"hardened","verb":"create","container":"a","rule":"between"}`,
		`{"time":"2026-01-04T00:00:00Z","decision":"refused","verb":"create","container":"a","rule":"refused"}`,
		`{"time":"2026-01-04T00:00:00Z","decision":"hardened","verb":"exec","container":"a","rule":"exec"}`,
		`{"time":"2026-01-04T00:00:00Z","decision":"hardened","verb":"create","container":"b"}`,
		`{"container":"a", broken`,
	}, "\n")+"\n")
	c := &Container{ID: "a", State: Running}
	if err := (Node{Logs: []string{log}}).lines([]*Container{c}); err != nil {
		t.Fatal(err)
	}
	c.decide()
	if c.Line == nil || c.Rule != "new" || c.Mode != auditlog.Exempt || len(c.Exemptions) != 1 {
		t.Errorf("%+v", c)
	}
}

// The record says what was decided; the line does where there is none.
func TestDecision(t *testing.T) {
	for mode, want := range map[string]string{record.ModeEnforced: auditlog.Enforce, record.ModeAudited: auditlog.Audit, record.ModeExempted: auditlog.Exempt} {
		c := &Container{
			Record: &record.Record{Mode: mode, Rule: "agents", Profile: "system", Exemptions: []string{"x"}},
			Line:   &auditlog.Entry{Decision: auditlog.Hardened, Rule: "another", Profile: "default"},
		}
		c.decide()
		if c.Mode != want || c.Rule != "agents" || c.Profile != "system" || !slices.Equal(c.Exemptions, []string{"x"}) {
			t.Errorf("mode %q: %+v", mode, c.Decision)
		}
	}
	for decision, want := range map[string]string{auditlog.Hardened: auditlog.Enforce, auditlog.Audited: auditlog.Audit, auditlog.Exempted: auditlog.Exempt} {
		c := &Container{Line: &auditlog.Entry{Decision: decision, Rule: "agents", Profile: "system"}}
		c.decide()
		if c.Mode != want || c.Rule != "agents" || c.Profile != "system" {
			t.Errorf("decision %q: %+v", decision, c.Decision)
		}
	}
	c := &Container{}
	if c.decide(); c.Mode != "" {
		t.Errorf("nobody decided: %+v", c.Decision)
	}
}

func TestStale(t *testing.T) {
	made := func(digest string) *Container { return &Container{Record: &record.Record{PolicyDigest: digest}} }
	builtin := Policy{Policy: policy.Default()}
	if builtin.Stale(made("")) || !builtin.Stale(made("a")) {
		t.Error("without a policy file, those made without one are not stale")
	}
	p := Policy{Policy: &policy.Policy{Digest: "a"}}
	if p.Stale(made("a")) || !p.Stale(made("b")) || !p.Stale(made("")) {
		t.Error("another text of the policy makes a container stale, the same does not")
	}
	if p.Stale(&Container{}) {
		t.Error("a container without a record was made under no policy")
	}
	if (Policy{Err: policy.ErrPolicy}).Stale(made("a")) {
		t.Error("a policy that cannot be loaded is no other policy")
	}
}

func TestEngineOf(t *testing.T) {
	for args, want := range map[string]string{
		"/usr/bin/containerd-shim-runc-v2 -namespace moby -id x":   "docker",
		"/usr/bin/containerd-shim-runc-v2 -namespace k8s.io -id x": "cri",
		"/usr/bin/containerd-shim-runc-v2 -namespace default":      "containerd",
	} {
		if got := engineOf(Daemon{Name: "containerd-shim", Args: strings.Fields(args)}); got != want {
			t.Errorf("%s: %s", args, got)
		}
	}
	for args, want := range map[string]string{"conmon --exit-dir /run/libpod/exits": "podman", "conmon --exit-dir /var/run/crio/exits": "cri-o"} {
		if got := engineOf(Daemon{Name: "conmon", Args: strings.Fields(args)}); got != want {
			t.Errorf("%s: %s", args, got)
		}
	}
}
