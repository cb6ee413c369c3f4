// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"
	"time"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/runclad/runclad/integration/bed"
)

// dockerRootInUserns: what Docker does with a container goes on working: its
// streams, exec, cp, diff, top, healthcheck, restart and commit.
func dockerRootInUserns(t *testing.T, d *bed.Docker) {
	bed.Policy(t, rootInUserns)
	d.Must("run", "-d", "--name", "un", "--runtime", "runclad", "-v", "unvol:/data", "--health-cmd", "test -s /tmp/report", "--health-interval", "1s",
		bed.Image, "sh", "-c", "/probe net > /tmp/r && mv /tmp/r /tmp/report; echo out > /dev/stdout; echo line >> /data/f; exec sleep 300")
	t.Cleanup(func() { d.Run("rm", "-f", "un"); d.Run("volume", "rm", "unvol") })
	bed.Eventually(t, 30*time.Second, func() error { return failure(d.Run("exec", "un", "test", "-s", "/data/f")) })
	for _, args := range [][]string{
		{"exec", "un", "cat", "/tmp/report"}, {"exec", "un", "/probe", "net"}, {"exec", "-u", "7", "--privileged", "un", "/probe", "net"},
	} {
		r := d.Report(args...)
		hardenedRoot(t, r)
		blocked(t, r)
	}
	bed.Eventually(t, 30*time.Second, func() error {
		return wantEqual(strings.TrimSpace(d.Must("inspect", "--format", "{{.State.Health.Status}}", "un").Stdout), "healthy")
	})
	if r := d.Must("logs", "un"); r.Stdout != "out\n" {
		t.Errorf("logs: %v", r)
	}
	if r := d.Must("exec", "-t", "un", "sh", "-c", "stat -c %u $(tty) && echo x > $(tty)"); !strings.HasPrefix(r.Stdout, "0\r\n") {
		t.Errorf("the terminal: %v", r)
	}
	dir := bed.Dir(t, "cp")
	d.Must("cp", "un:/etc/passwd", dir+"/passwd")
	d.Must("cp", "un:/data/f", dir+"/f")
	for _, args := range [][]string{{"diff", "un"}, {"top", "un"}, {"stats", "--no-stream", "un"}, {"pause", "un"}, {"unpause", "un"}, {"update", "--pids-limit", "100", "un"}} {
		d.Must(args...)
	}
	d.Must("restart", "-t", "1", "un")
	bed.Eventually(t, 30*time.Second, func() error {
		return wantEqual(d.Run("exec", "un", "cat", "/data/f").Stdout, "line\nline\n")
	})
	joined := d.Run("run", "--rm", "--runtime", "runclad", "--network", "container:un", bed.Image, "/probe", "net")
	if strings.Contains(joined.Stderr, "runc 1.3 and crun can") {
		return // dockerd 20 with runc 1.1
	}
	r := bed.Report(t, joined)
	hardenedRoot(t, r)
	blocked(t, r)
}

// criRootInUserns: a pod's containers are root of the same IDs, see the pod's
// network in /sys, and reach each other's shared memory.
func criRootInUserns(t *testing.T, k *bed.CRI) {
	bed.Policy(t, rootInUserns)
	p := k.MustPod("runclad", nil)
	ids, maps := map[string]string{}, map[string]bool{}
	for _, name := range []string{"w1", "w2"} {
		ids[name] = p.MustStart(name, nil, "sh", "-c", "/probe net; exec sleep 300")
		init := logged(t, p, name)
		hardenedRoot(t, init)
		blocked(t, init)
		exec := bed.Report(t, k.Exec(ids[name], "/probe", "net"))
		hardenedRoot(t, exec)
		blocked(t, exec)
		maps[k.Exec(ids[name], "cat", "/proc/self/uid_map").Stdout] = true
		if r := k.Exec(ids[name], "ls", "/sys/class/net"); !strings.Contains(r.Stdout, "eth0") {
			t.Errorf("/sys shows another network: %v", r)
		}
	}
	if len(maps) != 1 {
		t.Errorf("the pod's containers have the IDs %v", maps)
	}
	if r := k.Exec(ids["w1"], "sh", "-c", "umask 077; echo hi > /dev/shm/f"); r.Code != 0 {
		t.Error(r)
	}
	if r := k.Exec(ids["w2"], "cat", "/dev/shm/f"); r.Stdout != "hi\n" {
		t.Error(r)
	}
	shared := k.MustPod("runclad", func(c *cri.PodSandboxConfig) {
		c.Linux.SecurityContext.NamespaceOptions = &cri.NamespaceOption{Pid: cri.NamespaceMode_POD}
	})
	_, err := shared.Start("w", func(c *cri.ContainerConfig) {
		c.Linux.SecurityContext.NamespaceOptions = &cri.NamespaceOption{Pid: cri.NamespaceMode_POD}
	}, "sleep", "300")
	if err == nil || !strings.Contains(err.Error(), "joins a PID namespace") {
		t.Errorf("a shared PID namespace: %v", err)
	}
}

func podmanRootInUserns(t *testing.T, p *bed.Podman) {
	bed.Policy(t, rootInUserns)
	image := "localhost/" + bed.Image
	p.Must(clad("-d", "--name", "pu", image)...)
	t.Cleanup(func() { p.Run("rm", "--force", "--time", "0", "pu") })
	hardenedRoot(t, p.Report("exec", "pu", "/probe"))
	hardenedRoot(t, p.Report("exec", "--user", "7", "--privileged", "pu", "/probe"))
	hardenedRoot(t, p.Report(clad("--rm", "--privileged", image, "/probe")...))
	// In a user namespace of Podman's own.
	mapped := []string{"--rm", "--uidmap", "0:300000:65536", "--gidmap", "0:300000:65536", image}
	hardenedRoot(t, p.Report(clad(append(mapped, "/probe")...)...))
	r := p.Must(clad(append(mapped, "cat", "/proc/self/uid_map")...)...)
	if got := strings.Fields(r.Stdout); len(got) != 3 || got[1] != "300000" {
		t.Errorf("uid_map %v", got)
	}
	// Its bridge is a network namespace that is joined; the runtime is runc 1.1.
	if r := p.Run("--runtime", "runclad", "run", "--rm", image, "/probe"); r.Code == 0 || !strings.Contains(r.Stderr, "runc 1.3 and crun can") {
		t.Errorf("want a refusal: %v", r)
	}
}

// podmanUserns: the image's directories are the container's user's in a user
// namespace of Podman's, too.
func podmanUserns(t *testing.T, p *bed.Podman) {
	image := "localhost/" + bed.Image
	r := p.Must(clad("--rm", "--uidmap", "0:300000:65536", "--gidmap", "0:300000:65536", "-v", "puvol:/data", image,
		"sh", "-c", "touch /var/log/new /data/new && stat -c %u /var/log /data && id -u && stat -c %u /etc")...)
	t.Cleanup(func() { p.Run("volume", "rm", "--force", "puvol") })
	f := strings.Fields(r.Stdout)
	if len(f) != 4 || f[0] != f[2] || f[1] != f[2] || f[3] != "0" {
		t.Errorf("owners of a place and a volume, the user, and /etc's owner: %v", f)
	}
	hardened(t, p.Report(clad("--rm", "--uidmap", "0:300000:65536", "--gidmap", "0:300000:65536", image, "/probe")...))
}
