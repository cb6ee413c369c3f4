// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
)

// refused runs a container that must be refused: Docker's own output has the
// reason and every word of want, the exit status is 125 ("the daemon failed"),
// and nothing of it is left.
func refused(t *testing.T, d *bed.Docker, want []string, flags ...string) {
	t.Helper()
	args := append([]string{"run", "--rm", "--runtime", "runclad"}, flags...)
	r := d.Run(append(args, bed.Image, "true")...)
	if r.Code != 125 {
		t.Errorf("%v: exit status %d, want 125: %v", flags, r.Code, r)
	}
	for _, w := range append([]string{"runclad"}, want...) {
		if !strings.Contains(r.Stderr, w) {
			t.Errorf("%v: no %q in what the user sees: %q", flags, w, r.Stderr)
		}
	}
	sayNothingOf(t, r.Stderr)
}

func dockerSocket(t *testing.T, d *bed.Docker) {
	const sock = "/run/docker.sock"
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	refused(t, d, []string{"docker.sock", "host_paths", bed.PolicyFile}, "-v", sock+":/var/run/docker.sock")
	refused(t, d, []string{"docker.sock"}, "-v", "/var/run/docker.sock:/sock:ro")
	link := bed.Dir(t, "link") + "/innocent"
	if err := os.Symlink(sock, link); err != nil {
		t.Fatal(err)
	}
	refused(t, d, []string{"docker.sock"}, "-v", link+":/sock")
	lines := auditLines(t)
	if last := lines[len(lines)-1]; !strings.Contains(strings.ToLower(mustJSON(t, last)), "refused") {
		t.Errorf("the last audit line is not about the refusal: %v", last)
	}
}

func dockerRefusals(t *testing.T, d *bed.Docker) {
	refused(t, d, []string{"host_network"}, "--net", "host")
	refused(t, d, []string{"host_pid"}, "--pid", "host")
	refused(t, d, []string{"host_ipc"}, "--ipc", "host")
	for _, p := range []string{"/", "/etc", "/proc", "/sys", "/root", "/run", "/var/run", "/var/lib/docker", "/var", "/boot"} {
		refused(t, d, []string{"host_paths"}, "-v", p+":/host")
	}
	refused(t, d, nil, "--privileged", "--net", "host", "--pid", "host", "-v", "/:/host")
}

// dockerAllowed: each exemption of the policy is possible, and the rest stays.
func dockerAllowed(t *testing.T, d *bed.Docker) {
	bed.Policy(t, `host_paths = ["/etc/ssl"]`, `host_network = true`)
	r := d.Report("run", "--rm", "--runtime", "runclad", "-v", "/etc/ssl:/host:ro", bed.Image, "/probe")
	hardened(t, r)
	if _, ok := r.Mounts["/host"]; !ok {
		t.Error("the bind that the policy allows is not there")
	}
	hardened(t, d.Report("run", "--rm", "--runtime", "runclad", "--net", "host", bed.Image, "/probe"))
	refused(t, d, []string{"host_pid"}, "--pid", "host")
	refused(t, d, []string{"host_paths"}, "-v", "/etc:/host")
}

// dockerStops: a running container can be stopped and removed whatever happens
// to runclad's policy and state, and nothing new starts meanwhile.
func dockerStops(t *testing.T, d *bed.Docker) {
	for _, broken := range []struct {
		name string
		do   func(t *testing.T)
		// refuses tells whether a new container is refused.
		refuses bool
	}{
		{"policy", func(t *testing.T) {
			bed.Write(t, bed.PolicyFile, "this is = not [ TOML")
			t.Cleanup(func() { _ = os.Remove(bed.PolicyFile) })
		}, true},
		{"unknown key", func(t *testing.T) { bed.Policy(t, "allow_everything = true") }, true},
		{"read-only state", func(t *testing.T) {
			mount(t, bed.StateDir, bed.StateDir, "", unix.MS_BIND, "")
			if err := unix.Mount("", bed.StateDir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"full state", func(t *testing.T) {
			mount(t, "tmpfs", bed.StateDir, "tmpfs", 0, "size=4k,nr_inodes=2,mode=700")
		}, true},
		{"no state", func(t *testing.T) {
			mount(t, "tmpfs", "/run/runclad", "tmpfs", 0, "mode=700")
		}, false},
	} {
		t.Run(broken.name, func(t *testing.T) {
			d := d.With(t)
			for _, name := range []string{"victim1", "victim2"} {
				up(t, d, name)
			}
			// In a function of its own, so that what is broken is whole
			// again before the containers' clean-up.
			t.Run("broken", func(t *testing.T) {
				d := d.With(t)
				broken.do(t)
				if r := d.Run("run", "--rm", "--runtime", "runclad", bed.Image, "true"); broken.refuses && r.Code != 125 {
					t.Errorf("a new container: %v", r)
				}
				d.Must("top", "victim1")
				d.Must("pause", "victim1")
				d.Must("unpause", "victim1")
				d.Must("kill", "victim1")
				bed.Eventually(t, 10*time.Second, func() error {
					var status string
					d.Inspect("victim1", "{{json .State.Status}}", &status)
					return wantEqual(status, "exited")
				})
				d.Must("rm", "victim1")
				d.Must("rm", "-f", "victim2")
			})
		})
	}
}

func mount(t *testing.T, source, target, fstype string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		t.Fatalf("mount %s: %v", target, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", target, err)
		}
	})
}
