// SPDX-License-Identifier: Apache-2.0

package bed

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/report"
)

// dockerConfig is a config.json that Docker sent for `docker run --rm IMAGE sh
// -c …`, with its default seccomp profile.
//
//go:embed testdata/docker.config.json
var dockerConfig []byte

// DockerSpec is the spec of a container as Docker describes it: its default
// capabilities, masked paths and seccomp profile, user root. The binds of
// /etc/hosts and its like are left out, as there is no engine to own them.
func DockerSpec(t T) *specs.Spec {
	t.Helper()
	var s specs.Spec
	if err := json.Unmarshal(dockerConfig, &s); err != nil {
		t.Fatalf("bed: testdata: %v", err)
	}
	var mounts []specs.Mount
	for _, m := range s.Mounts {
		if !strings.HasPrefix(m.Destination, "/etc/") {
			mounts = append(mounts, m)
		}
	}
	s.Mounts = mounts
	s.Hooks = nil
	s.Process.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=bed"}
	return &s
}

// A Container is one that a test makes by calling a runtime directly, without
// an engine, the way containerd's shim does.
type Container struct {
	t      T
	ID     string
	Bundle string
	// Binary is what is called: the shim, or a runtime itself.
	Binary string
	// Root is the --root argument.
	Root string
	// V1 has the runtime called where only cgroup v1 is mounted: crun before
	// 1.9 refuses the hybrid layout.
	V1 bool

	forgotten bool
}

// NewContainer makes a bundle on /run with spec s on the given rootfs and a
// container that Binary will run. After the test it is deleted.
func NewContainer(t T, binary string, rt Runtime, rootfs string, s *specs.Spec) *Container {
	t.Helper()
	c := &Container{t: t, ID: ID(), Binary: binary, Root: "/run/bed-" + rt.Name, V1: rt.Crun() && hybrid()}
	c.Bundle = filepath.Join(RunDir(t, "bundle"), c.ID)
	if err := os.Mkdir(c.Bundle, 0o700); err != nil {
		t.Fatalf("bed: %v", err)
	}
	s.Root.Path = rootfs
	s.Linux.CgroupsPath = "/runclad-test/" + c.ID
	c.SetSpec(s)
	t.Cleanup(func() {
		if !c.forgotten {
			c.Call("delete", "--force", c.ID)
		}
	})
	return c
}

// Forget says that the container is deleted, so that nothing is left to do for
// it after the test, and removes its bundle.
func (c *Container) Forget() {
	c.t.Helper()
	c.forgotten = true
	if err := os.RemoveAll(filepath.Dir(c.Bundle)); err != nil {
		c.t.Fatalf("bed: %v", err)
	}
}

// SetSpec writes the bundle's config.json.
func (c *Container) SetSpec(s *specs.Spec) {
	c.t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		c.t.Fatalf("bed: %v", err)
	}
	Write(c.t, filepath.Join(c.Bundle, "config.json"), string(b))
}

// Config reads the bundle's config.json as it is now.
func (c *Container) Config() []byte {
	c.t.Helper()
	b, err := os.ReadFile(filepath.Join(c.Bundle, "config.json"))
	if err != nil {
		c.t.Fatalf("bed: %v", err)
	}
	return b
}

// Log is the file that the runtime is told to write its errors to.
func (c *Container) Log() string { return filepath.Join(c.Bundle, "log.json") }

// Call calls the runtime with the globals that containerd's shim sets. The
// streams are the container's own at create and run, so they go to files.
func (c *Container) Call(args ...string) Result { return c.CallEnv(nil, args...) }

// CallEnv is Call with additions to the environment.
func (c *Container) CallEnv(env []string, args ...string) Result {
	return Command{Args: c.Argv(args...), Env: env, ToFiles: true, Dir: c.Bundle}.Run()
}

// Argv is the whole argv of a call.
func (c *Container) Argv(args ...string) []string {
	argv := []string{c.Binary, "--root", c.Root, "--log", c.Log(), "--log-format", "json"}
	argv = append(argv, args...)
	if c.V1 {
		argv = append([]string{"/usr/bin/unshare", "-m", "--propagation", "slave", "sh", "-c", `umount /sys/fs/cgroup/unified && exec "$@"`, "sh"}, argv...)
	}
	return argv
}

// Create calls create.
func (c *Container) Create() Result {
	return c.Call("create", "--bundle", c.Bundle, "--pid-file", filepath.Join(c.Bundle, "init.pid"), c.ID)
}

// RunToEnd calls run and returns what the container printed.
func (c *Container) RunToEnd() Result { return c.Call("run", "--bundle", c.Bundle, c.ID) }

// Must calls the runtime and fails the test when the status is not 0.
func (c *Container) Must(args ...string) Result {
	c.t.Helper()
	r := c.Call(args...)
	if r.Code != 0 {
		log, _ := os.ReadFile(c.Log())
		c.t.Fatalf("%v\n  log: %s", r, log)
	}
	return r
}

// Up creates and starts the container.
func (c *Container) Up() {
	c.t.Helper()
	if r := c.Create(); r.Code != 0 {
		log, _ := os.ReadFile(c.Log())
		c.t.Fatalf("%v\n  log: %s", r, log)
	}
	c.Must("start", c.ID)
}

// Exec runs a command in the container, as containerd's shim has it done: with
// a process file.
func (c *Container) Exec(change func(p *specs.Process), args ...string) Result {
	c.t.Helper()
	p := *DockerSpec(c.t).Process
	p.Args = args
	if change != nil {
		change(&p)
	}
	b, err := json.Marshal(p)
	if err != nil {
		c.t.Fatalf("bed: %v", err)
	}
	file := filepath.Join(c.Bundle, fmt.Sprintf("process-%d.json", next()))
	Write(c.t, file, string(b))
	return c.Call("exec", "--process", file, c.ID)
}

// State returns the container's status as the runtime tells it, "" when the
// runtime does not know it.
func (c *Container) State() string {
	var s struct {
		Status string `json:"status"`
	}
	r := c.Call("state", c.ID)
	if r.Code != 0 || json.Unmarshal([]byte(r.Stdout), &s) != nil {
		return ""
	}
	return s.Status
}

// Pid is the process ID of the container's init, as create wrote it.
func (c *Container) Pid() int {
	c.t.Helper()
	b, err := os.ReadFile(filepath.Join(c.Bundle, "init.pid"))
	if err != nil {
		c.t.Fatalf("bed: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		c.t.Fatalf("bed: %s: %v", c.Bundle, err)
	}
	return pid
}

// SweepCgroups kills what is left in the container's cgroups and removes them:
// the clean-up after a runtime that was killed itself.
func (c *Container) SweepCgroups() {
	c.t.Helper()
	for _, h := range hierarchies() {
		dir := filepath.Join(h.mountpoint, "runclad-test", c.ID)
		b, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			continue
		}
		for _, f := range strings.Fields(string(b)) {
			if pid, err := strconv.Atoi(f); err == nil && pid > 1 {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
		if err := removeGroup(dir); err != nil {
			c.t.Fatalf("bed: %v", err)
		}
	}
}

// hybrid tells whether cgroup v2 is mounted beside v1.
func hybrid() bool {
	for _, h := range hierarchies() {
		if h.v2 && !h.only {
			return true
		}
	}
	return false
}

// Report decodes what /probe printed.
func Report(t T, r Result) *report.Report {
	t.Helper()
	if r.Code != 0 {
		t.Fatalf("no report: %v", r)
	}
	var out report.Report
	if err := json.Unmarshal([]byte(strings.TrimSpace(r.Stdout)), &out); err != nil {
		t.Fatalf("no report: %v: %v", err, r)
	}
	return &out
}
