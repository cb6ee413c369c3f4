// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
)

// TestRefusal: the reason is the last line of --log and on stderr, the bundle
// is as it was, and the runtime knows nothing of the container.
func TestRefusal(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		s := specFor(t, "", "true")
		s.Mounts = append(s.Mounts, specs.Mount{Destination: "/host", Source: "/etc", Type: "bind", Options: []string{"rbind"}})
		for _, command := range []string{"create", "run"} {
			c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), s)
			before := c.Config()
			r := c.Call(command, "--bundle", c.Bundle, c.ID)
			if r.Code != 1 {
				t.Errorf("exit status %d, want 1: %v", r.Code, r)
			}
			if !bytes.Equal(before, c.Config()) {
				t.Error("config.json was changed")
			}
			msg := lastError(t, c)
			if got := c.State(); got != "" {
				t.Errorf("the container is %s", got)
			}
			if !strings.Contains(msg, "host_paths") || !strings.Contains(r.Stderr, msg) || r.Stdout != "" {
				t.Errorf("log says %q, stderr %q, stdout %q", msg, r.Stderr, r.Stdout)
			}
			sayNothingOf(t, msg)
			if r := c.Call("delete", "--force", c.ID); r.Code != 0 {
				t.Errorf("delete --force after a refused %s: %v", command, r)
			}
		}
	})
}

// TestExecRefusal: an exec into a container that was made without runclad.
func TestExecRefusal(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		c := bed.NewContainer(t, rt.Path, rt, bed.Rootfs(t), specFor(t, "", "sleep", "300"))
		c.Up()
		c.Binary = bed.Shim(t)
		r := c.Exec(nil, "true")
		if r.Code != 255 {
			t.Errorf("exit status %d, want 255: %v", r.Code, r)
		}
		msg := lastError(t, c)
		if !strings.Contains(msg, "exec_unrecorded") || !strings.Contains(r.Stderr, msg) {
			t.Errorf("log says %q, stderr %q", msg, r.Stderr)
		}
		sayNothingOf(t, msg)
		if got := c.State(); got != "running" {
			t.Errorf("state %q", got)
		}
		c.Must("kill", c.ID, "KILL")
	})
}

// TestPassThrough: what stops a container works with a policy that cannot be
// read, and with no state.
func TestPassThrough(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, "", "sleep", "300"))
		c.Up()
		bed.Write(t, bed.PolicyFile, "= broken [")
		t.Cleanup(func() { _ = os.Remove(bed.PolicyFile) })
		mount(t, "tmpfs", bed.StateDir, "tmpfs", unix.MS_RDONLY, "")
		c.Must("state", c.ID)
		c.Must("pause", c.ID)
		c.Must("resume", c.ID)
		c.Must("kill", c.ID, "KILL")
		bed.Eventually(t, 10*time.Second, func() error { return wantEqual(c.State(), "stopped") })
		c.Must("delete", c.ID)
	})
}

// TestVersion and features: engines parse both.
func TestVersion(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		plain, clad := bed.MustRun(t, rt.Path, "--version"), bed.MustRun(t, bed.Shim(t), "--version")
		if !strings.HasPrefix(clad.Stdout, plain.Stdout) || !strings.Contains(clad.Stdout, "runclad version ") {
			t.Errorf("--version prints %q, the runtime %q", clad.Stdout, plain.Stdout)
		}
		if rt.Crun() {
			return // 1.8.1 has no features command
		}
		var f struct {
			OCIVersionMin string            `json:"ociVersionMin"`
			Annotations   map[string]string `json:"annotations"`
			Unsafe        []string          `json:"potentiallyUnsafeConfigAnnotations"`
		}
		r := bed.MustRun(t, bed.Shim(t), "features")
		if err := json.Unmarshal([]byte(r.Stdout), &f); err != nil {
			t.Fatalf("%v: %v", err, r)
		}
		if f.OCIVersionMin == "" || !slices.ContainsFunc(f.Unsafe, func(s string) bool { return strings.HasPrefix(s, "dev.runclad.") }) {
			t.Errorf("features: %+v", f)
		}
	})
}

// TestKilledMidCreate kills the shim (or the runtime it has become) at many
// moments, cleans up as an engine does, and looks for what stays.
func TestKilledMidCreate(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		rootfs, shim := bed.Rootfs(t), bed.Shim(t)
		cycle := func() {
			t.Helper()
			c := bed.NewContainer(t, shim, rt, rootfs, specFor(t, "", "true"))
			c.Up()
			c.Must("delete", "--force", c.ID)
		}
		cycle()
		files, mounts := tree(t, bed.StateDir), mounted(t)
		for i := range 24 {
			c := bed.NewContainer(t, shim, rt, rootfs, specFor(t, "", "sleep", "300"))
			argv := c.Argv("create", "--bundle", c.Bundle, "--pid-file", filepath.Join(c.Bundle, "init.pid"), c.ID)
			cmd := exec.Command(argv[0], argv[1:]...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(i) * 700 * time.Microsecond)
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			// What containerd's shim does after a create that failed. A
			// runtime killed before it wrote its state leaves its cgroup and
			// perhaps its init behind; that is so without runclad too.
			c.Must("delete", "--force", c.ID)
			c.SweepCgroups()
		}
		cycle()
		// The last container's record is there both times: it goes with the
		// next create.
		if got := tree(t, bed.StateDir); len(got) != len(files) {
			t.Errorf("in %s there was %v, and is %v", bed.StateDir, files, got)
		}
		if got := mounted(t); !slices.Equal(got, mounts) {
			t.Errorf("mounts were %v, and are %v", mounts, got)
		}
	})
}

// TestEngineGone: a container whose engine never said delete, whose processes
// and runtime state are gone, keeps its record no longer than until the creates
// that follow.
func TestEngineGone(t *testing.T) {
	rt := bed.DebianRunc(t)
	bed.Use(t, rt)
	rootfs := bed.Rootfs(t)
	c := bed.NewContainer(t, bed.Shim(t), rt, rootfs, specFor(t, "", "sleep", "300"))
	c.Up()
	named := func() bool {
		return strings.Contains(strings.Join(tree(t, bed.StateDir), "\n"), "/"+c.ID+".")
	}
	if !named() {
		t.Fatalf("no record of a running container in %v", tree(t, bed.StateDir))
	}
	c.SweepCgroups()
	if err := os.RemoveAll(filepath.Join(c.Root, c.ID)); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		next := bed.NewContainer(t, bed.Shim(t), rt, rootfs, specFor(t, "", "true"))
		next.Up()
		next.Must("delete", "--force", next.ID)
		if !named() {
			return
		}
	}
	t.Errorf("after 20 creates the record is still there: %v", tree(t, bed.StateDir))
}

// TestManyAtOnce: no failure and no UID twice among containers that are alive.
func TestManyAtOnce(t *testing.T) {
	rt := bed.DebianRunc(t)
	bed.Use(t, rt)
	const many = 30
	rootfs := bed.Rootfs(t)
	var cs []*bed.Container
	for range many {
		cs = append(cs, bed.NewContainer(t, bed.Shim(t), rt, rootfs, specFor(t, "", "sleep", "300")))
	}
	var wg sync.WaitGroup
	results := make([]bed.Result, many)
	for i, c := range cs {
		wg.Go(func() { results[i] = c.Create() })
	}
	wg.Wait()
	seen := map[uint32]bool{}
	for i, c := range cs {
		if results[i].Code != 0 {
			t.Errorf("%v: %s", results[i], lastError(t, c))
			continue
		}
		var s specs.Spec
		if err := json.Unmarshal(c.Config(), &s); err != nil {
			t.Fatal(err)
		}
		if seen[s.Process.User.UID] {
			t.Errorf("UID %d came twice", s.Process.User.UID)
		}
		seen[s.Process.User.UID] = true
	}
}

// lastError is the message of the last line in the runtime's log, which is what
// containerd shows.
func lastError(t *testing.T, c *bed.Container) string {
	t.Helper()
	b, err := os.ReadFile(c.Log())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	var e struct{ Level, Msg, Time string }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &e); err != nil {
		t.Fatalf("log %q: %v", b, err)
	}
	if _, err := time.Parse(time.RFC3339, e.Time); err != nil || e.Level != "error" || e.Msg == "" {
		t.Errorf("log line %q", lines[len(lines)-1])
	}
	return e.Msg
}

// tree lists the regular files below a folder.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// mounted lists the mount points of the bed.
func mounted(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		out = append(out, fmt.Sprint(strings.Fields(line)[4]))
	}
	return out
}
