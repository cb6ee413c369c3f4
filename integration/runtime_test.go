// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/integration/bed"
)

// eachRuntime runs f for every real runtime, with runclad handing off to it.
func eachRuntime(t *testing.T, f func(t *testing.T, rt bed.Runtime)) {
	for _, rt := range bed.Runtimes(t) {
		t.Run(rt.Name, func(t *testing.T) {
			bed.Use(t, rt)
			f(t, rt)
		})
	}
}

// specFor is Docker's spec with a command, and a network namespace of the
// bed's when netns is not empty.
func specFor(t *testing.T, netns string, args ...string) *specs.Spec {
	t.Helper()
	s := bed.DockerSpec(t)
	s.Process.Args = args
	for i, ns := range s.Linux.Namespaces {
		if ns.Type == specs.NetworkNamespace {
			s.Linux.Namespaces[i].Path = netns
		}
	}
	return s
}

func TestPlainRuntimeIsNotHardened(t *testing.T) {
	bed.Metadata(t)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		c := bed.NewContainer(t, rt.Path, rt, bed.Rootfs(t), specFor(t, bed.NetNS(t), "/probe", "net"))
		r := bed.Report(t, c.RunToEnd())
		reached(t, r)
		if r.UID != 0 || r.Caps["Eff"] == noCapabilities || r.NoNewPrivs != 0 || r.Writes["/"] != "ok" {
			t.Errorf("the control is hardened already: %+v", r)
		}
	})
}

func TestRun(t *testing.T) {
	bed.Metadata(t)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, bed.NetNS(t), "/probe", "net"))
		r := bed.Report(t, c.RunToEnd())
		hardened(t, r)
		blocked(t, r)
		if s := c.State(); s != "" {
			t.Errorf("after run the container is still %s", s)
		}
	})
}

// TestRunOwnNetwork has the runtime make the network namespace: lo is down in
// it and nothing is reachable, but a refusal must still come at once.
func TestRunOwnNetwork(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, "", "/probe", "net"))
		r := bed.Report(t, c.RunToEnd())
		hardened(t, r)
		for name, got := range r.Reach {
			if got.Millis > 500 {
				t.Errorf("%s: took %d ms (%s)", name, got.Millis, got.Result)
			}
		}
	})
}

func TestCreateStartDelete(t *testing.T) {
	bed.Metadata(t)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t),
			specFor(t, bed.NetNS(t), "sh", "-c", "/probe net > /tmp/report; sleep 300"))
		if r := c.Create(); r.Code != 0 || r.Output() != "" {
			t.Fatalf("create must succeed and print nothing: %v", r)
		}
		if got := c.State(); got != "created" {
			t.Fatalf("state %q", got)
		}
		c.Must("start", c.ID)
		if got := c.State(); got != "running" {
			t.Fatalf("state %q", got)
		}
		var r bed.Result
		bed.Eventually(t, 10*time.Second, func() error {
			r = c.Exec(nil, "sh", "-c", "cat /tmp/report; test -s /tmp/report")
			return failure(r)
		})
		init := bed.Report(t, r)
		hardened(t, init)
		blocked(t, init)

		exec := bed.Report(t, c.Exec(nil, "/probe", "net"))
		hardened(t, exec)
		blocked(t, exec)
		if exec.UID != init.UID || exec.GID != init.GID {
			t.Errorf("exec runs as %d:%d, init as %d:%d", exec.UID, exec.GID, init.UID, init.GID)
		}
		c.Must("kill", c.ID, "KILL")
		bed.Eventually(t, 10*time.Second, func() error { return wantEqual(c.State(), "stopped") })
		c.Must("delete", c.ID)
		if got := c.State(); got != "" {
			t.Errorf("after delete the container is still %q", got)
		}
	})
}

// TestOwnNetworkStart makes the namespace's interface between create and
// start, as Docker 29 does: the block must stand before the first instruction.
func TestOwnNetworkStart(t *testing.T) {
	bed.Metadata(t)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, "", "sh", "-c", "/probe net > /tmp/report; sleep 300"))
		if r := c.Create(); r.Code != 0 {
			t.Fatal(r)
		}
		bed.Connect(t, c.Pid())
		c.Must("start", c.ID)
		var r bed.Result
		bed.Eventually(t, 10*time.Second, func() error {
			r = c.Exec(nil, "sh", "-c", "cat /tmp/report; test -s /tmp/report")
			return failure(r)
		})
		blocked(t, bed.Report(t, r))
	})
}

// TestExecIntoCreated: an exec may come before start, and is then the first
// instruction in the container.
func TestExecIntoCreated(t *testing.T) {
	bed.Metadata(t)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, "", "sleep", "300"))
		if r := c.Create(); r.Code != 0 {
			t.Fatal(r)
		}
		bed.Connect(t, c.Pid())
		r := bed.Report(t, c.Exec(nil, "/probe", "net"))
		unprivileged(t, r)
		blocked(t, r)
	})
}

// TestExecIsNoWayRound asks for all that an exec can ask for.
func TestExecIsNoWayRound(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, "", "sleep", "300"))
		c.Up()
		all := []string{"CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_PTRACE"}
		r := bed.Report(t, c.Exec(func(p *specs.Process) {
			p.User = specs.User{UID: 0, GID: 0, AdditionalGids: []uint32{0, 1}}
			p.NoNewPrivileges = false
			p.Capabilities = &specs.LinuxCapabilities{Bounding: all, Effective: all, Permitted: all, Inheritable: all, Ambient: all}
		}, "/probe"))
		hardened(t, r)
		for _, args := range [][]string{
			{"exec", "--user", "0:0", c.ID, "/probe"},
			{"exec", "--cap", "CAP_SYS_ADMIN", c.ID, "/probe"},
			{"exec", "-u", "0", "-c", "CAP_SYS_ADMIN", c.ID, "/probe"},
		} {
			got := bed.Report(t, c.Must(args...))
			hardened(t, got)
			if got.UID != r.UID {
				t.Errorf("%v runs as %d, not as %d", args, got.UID, r.UID)
			}
		}
	})
}

// TestSetuidBit: a file's owner may set the bit without any capability; the
// filter must refuse it.
func TestSetuidBit(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, "", "/probe", "chmod", "/tmp/f"))
		if r := c.RunToEnd(); r.Code == 0 {
			t.Errorf("a setuid file was made: %v", r)
		}
	})
}

// TestPrivilegedSpec is what `docker run --privileged` sends: every capability,
// every device of the host by name, those that all containers have among them,
// and nothing masked.
func TestPrivilegedSpec(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		s := specFor(t, "", "sh", "-c", "cat /dev/null && ls /dev/kmsg; exec /probe")
		caps := []string{"CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_MODULE", "CAP_DAC_READ_SEARCH"}
		s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps, Inheritable: caps}
		s.Linux.Seccomp, s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = nil, nil, nil
		s.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}
		mode, root := os.FileMode(0o666), uint32(0)
		for path, minor := range map[string]int64{"/dev/null": 3, "/dev/zero": 5, "/dev/urandom": 9, "/dev/kmsg": 11} {
			s.Linux.Devices = append(s.Linux.Devices, specs.LinuxDevice{
				Path: path, Type: "c", Major: 1, Minor: minor, FileMode: &mode, UID: &root, GID: &root,
			})
		}
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), s)
		r := c.RunToEnd()
		if strings.Contains(r.Stdout, "/dev/kmsg") {
			t.Error("the container was given /dev/kmsg")
		}
		hardened(t, bed.Report(t, r))
	})
}
