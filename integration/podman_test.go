// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/integration/bed"
)

// TestPodman: a runtime that is not called runc, told its errors on stderr.
func TestPodman(t *testing.T) {
	p := bed.NewPodman(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *bed.Podman)
	}{
		{"Control", podmanControl},
		{"Run", podmanRun},
		{"Network", podmanNetwork},
		{"Exec", podmanExec},
		{"Lifecycle", podmanLifecycle},
		{"RootInUserns", podmanRootInUserns},
		{"Healthcheck", podmanHealthcheck},
		{"Ports", podmanPorts},
		{"Copy", podmanCopy},
		{"Pod", podmanPod},
		{"Userns", podmanUserns},
		{"Refused", podmanRefused},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, p.With(t)) })
	}
}

func podmanControl(t *testing.T, p *bed.Podman) {
	r := p.Report("run", "--rm", "--network", "none", "localhost/"+bed.Image, "/probe")
	if r.UID != 0 || r.Writes["/"] != "ok" {
		t.Errorf("the control is hardened already: %+v", r)
	}
}

// clad is `podman run --runtime runclad` with flags.
func clad(flags ...string) []string {
	return append([]string{"--runtime", "runclad", "run", "--network", "none"}, flags...)
}

func podmanRun(t *testing.T, p *bed.Podman) {
	hardened(t, p.Report(clad("--rm", "localhost/"+bed.Image, "/probe")...))
	hardened(t, p.Report(clad("--rm", "--privileged", "localhost/"+bed.Image, "/probe")...))
	hardened(t, p.Report(clad("--rm", "--user", "0", "localhost/"+bed.Image, "/probe")...))
	for code, cmd := range map[int]string{0: "exit 0", 9: "exit 9"} {
		if r := p.Run(clad("--rm", "localhost/"+bed.Image, "sh", "-c", cmd)...); r.Code != code {
			t.Errorf("%s: %v", cmd, r)
		}
	}
}

// podmanNetwork is Podman's default bridge: the network namespace is made
// before the runtime is called.
func podmanNetwork(t *testing.T, p *bed.Podman) {
	bed.Metadata(t)
	plain := p.Report("run", "--rm", "localhost/"+bed.Image, "/probe", "net")
	if !strings.Contains(plain.Reach["tcp4"].Result, bed.MetadataAnswer) {
		t.Errorf("without runclad the metadata endpoint says %q", plain.Reach["tcp4"].Result)
	}
	r := p.Report("--runtime", "runclad", "run", "--rm", "localhost/"+bed.Image, "/probe", "net")
	hardened(t, r)
	blocked(t, r)
}

func podmanExec(t *testing.T, p *bed.Podman) {
	p.Must(clad("-d", "--name", "pe", "localhost/"+bed.Image)...)
	t.Cleanup(func() { p.Run("rm", "--force", "--time", "0", "pe") })
	first := p.Report("exec", "pe", "/probe")
	hardened(t, first)
	for _, flags := range [][]string{{"--user", "0"}, {"--privileged"}, {"--privileged", "--user", "0:0"}} {
		r := p.Report(append(append([]string{"exec"}, flags...), "pe", "/probe")...)
		hardened(t, r)
		if r.UID != first.UID {
			t.Errorf("exec %v as %d, without as %d", flags, r.UID, first.UID)
		}
	}
}

func podmanLifecycle(t *testing.T, p *bed.Podman) {
	p.Must(clad("-d", "--name", "pl", "localhost/"+bed.Image)...)
	t.Cleanup(func() { p.Run("rm", "--force", "--time", "0", "pl") })
	p.Must("pause", "pl")
	p.Must("unpause", "pl")
	p.Must("top", "pl")
	p.Must("restart", "--time", "1", "pl")
	bed.Eventually(t, 10*time.Second, func() error { return failure(p.Run("exec", "pl", "true")) })
	hardened(t, p.Report("exec", "pl", "/probe"))
	p.Must("kill", "pl")
	p.Must("rm", "--force", "--time", "0", "pl")
}

func podmanHealthcheck(t *testing.T, p *bed.Podman) {
	p.Must(clad("-d", "--name", "ph", "--health-cmd", `test "$(id -u)" -gt 10000 && test -e /tmp/well`, "--health-interval", "disable", "localhost/"+bed.Image)...)
	t.Cleanup(func() { p.Run("rm", "--force", "--time", "0", "ph") })
	if r := p.Run("healthcheck", "run", "ph"); r.Code != 1 {
		t.Errorf("unwell: %v", r)
	}
	p.Must("exec", "ph", "touch", "/tmp/well")
	p.Must("healthcheck", "run", "ph")
}

// podmanPorts: Podman makes the network namespace before the container, which
// binds a port all the same that once needed a capability.
func podmanPorts(t *testing.T, p *bed.Podman) {
	p.Must("--runtime", "runclad", "run", "-d", "--name", "pp", "localhost/"+bed.Image,
		"sh", "-c", "mkdir /tmp/www && echo served >/tmp/www/index.html && exec httpd -f -p 80 -h /tmp/www")
	t.Cleanup(func() { p.Run("rm", "--force", "--time", "0", "pp") })
	bed.Eventually(t, 30*time.Second, func() error { return failure(p.Run("exec", "pp", "wget", "-qO-", "http://127.0.0.1/")) })
	if r := p.Must("exec", "pp", "cat", "/proc/sys/net/ipv4/ping_group_range"); strings.Join(strings.Fields(r.Stdout), " ") != "0 2147483647" {
		t.Errorf("%v", r)
	}
}

// podmanCopy: into a volume only while the container is stopped. Podman joins a
// running one's mount namespace as the host's root, whom the volume's mapping
// does not know.
func podmanCopy(t *testing.T, p *bed.Podman) {
	p.Must(clad("-d", "--name", "pc", "--volume", "pcdata:/data", "localhost/"+bed.Image, "sh", "-c", "echo mine >/data/f; exec sleep 300")...)
	t.Cleanup(func() {
		p.Run("rm", "--force", "--time", "0", "pc")
		p.Run("volume", "rm", "--force", "pcdata")
	})
	bed.Eventually(t, 20*time.Second, func() error { return failure(p.Run("exec", "pc", "test", "-s", "/data/f")) })
	dir := bed.Dir(t, "pcp")
	p.Must("cp", "pc:/data/f", dir+"/f")
	bed.Write(t, dir+"/in", "from outside\n")
	if r := p.Must("top", "pc", "user", "comm"); !strings.Contains(r.Stdout, "sleep") {
		t.Errorf("top: %v", r)
	}
	p.Must("logs", "pc")
	p.Must("stop", "--time", "0", "pc")
	p.Must("cp", dir+"/in", "pc:/data/in")
	p.Must("start", "pc")
	if r := p.Must("exec", "pc", "cat", "/data/in"); r.Stdout != "from outside\n" {
		t.Errorf("%v", r)
	}
}

// podmanPod: an infra container, and two that share its network and a volume.
// Podman knows no CRI: each container has a UID of its own.
func podmanPod(t *testing.T, p *bed.Podman) {
	p.Must("--runtime", "runclad", "pod", "create", "--name", "pod", "--share-parent=false", "--infra-image", "localhost/"+bed.Image, "--infra-command", "sleep 1000")
	t.Cleanup(func() { p.Run("pod", "rm", "--force", "--time", "0", "pod") })
	p.Must("--runtime", "runclad", "run", "-d", "--pod", "pod", "--name", "pod-server", "localhost/"+bed.Image,
		"sh", "-c", "mkdir /tmp/www && echo served >/tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www")
	p.Must("--runtime", "runclad", "run", "-d", "--pod", "pod", "--name", "pod-peer", "localhost/"+bed.Image)
	bed.Eventually(t, 30*time.Second, func() error {
		return failure(p.Run("exec", "pod-peer", "wget", "-qO-", "http://127.0.0.1:8080/"))
	})
	hardened(t, p.Report("exec", "pod-peer", "/probe"))
	p.Must("pod", "restart", "pod")
	bed.Eventually(t, 30*time.Second, func() error { return failure(p.Run("exec", "pod-peer", "true")) })
}

func podmanRefused(t *testing.T, p *bed.Podman) {
	for _, flags := range [][]string{
		{"--network", "none", "--volume", "/etc:/host"},
		{"--network", "none", "--pid", "host"},
		{"--network", "host"},
	} {
		r := p.Run(append(append([]string{"--runtime", "runclad", "run", "--rm"}, flags...), "localhost/"+bed.Image, "true")...)
		if r.Code != 126 && r.Code != 125 {
			t.Errorf("%v: exit status %d: %v", flags, r.Code, r)
		}
		if !strings.Contains(r.Stderr, "runclad refused create") || !strings.Contains(r.Stderr, bed.PolicyFile) {
			t.Errorf("%v: no reason in what the user sees: %v", flags, r)
		}
		sayNothingOf(t, r.Stderr)
	}
}
