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
