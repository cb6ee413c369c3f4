// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/runclad/runclad/integration/bed"
)

// nodePolicy is that of a node with more than one kind of container: ten rules,
// some of them in files of their own.
var nodePolicy = map[string]string{
	"/etc/runclad/policy.d/10-exempt.toml": `
[[rule]]
name = "old agent"
match = { engine = "cri", namespace = "kube-system", pod = "old-*" }
profile = "privileged"
owner = "platform"
reason = "until its successor is there"
expires = 2020-01-31

[[rule]]
name = "node agents"
match = { engine = "cri", namespace = "kube-system" }
profile = "system"
owner = "platform"
reason = "they are the node"
`,
	bed.PolicyFile: `
[profile.exporter]
host_paths = ["/etc/ssl"]

[profile.default]
pids_limit = 333

[[rule]]
name = "no miners"
match = { image = "*miner*" }
mode = "refuse"
owner = "security@example.com"
reason = "not on our nodes"

[[rule]]
name = "trial"
match = { engine = "cri", namespace = "trial" }
mode = "audit"

[[rule]]
name = "payments"
match = { engine = "cri", namespace = "shop", container = "pay*" }
profile = "strict"

[[rule]]
name = "asks"
match = { engine = "cri", namespace = "shop", pod = "ask-*" }
requestable = ["pids_limit"]

[[rule]]
name = "legacy"
match = { engine = "docker", container = "legacy-*" }
profile = "baseline"

[[rule]]
name = "exporter"
match = { engine = "docker", image = "bed", container = "exporter" }
profile = "exporter"

[[rule]]
name = "labelled"
match = { engine = "docker", label = { "com.example.tier" = "front" } }
profile = "strict"

[[rule]]
name = "pauses"
match = { sandbox = true }
`,
}

// TestNode is a node on which everything runs through runclad: a current
// containerd for Kubernetes and a current Docker side by side, under one policy.
func TestNode(t *testing.T) {
	bed.Metadata(t)
	k := bed.Containerd2(t).CRI()
	d := bed.DockerCurrent(t)
	writePolicy(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *bed.CRI, *bed.Docker)
	}{
		{"Default", nodeDefault},
		{"System", nodeSystem},
		{"Expired", nodeExpired},
		{"Refusals", nodeRefusals},
		{"Forged", nodeForged},
		{"Requests", nodeRequests},
		{"Docker", nodeDocker},
		{"Audit", nodeAudit},
		{"Seen", nodeSeen},
		{"EditedUnderLoad", nodeEdited},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, k.With(t), d.With(t)) })
	}
}

func writePolicy(t *testing.T) {
	t.Helper()
	for name, text := range nodePolicy {
		replaceFile(t, name, text)
	}
	t.Cleanup(func() {
		_ = os.Remove(bed.PolicyFile)
		_ = os.RemoveAll(filepath.Dir(bed.PolicyFile) + "/policy.d")
	})
}

// replaceFile puts a file in place at once.
func replaceFile(t *testing.T, name, text string) {
	t.Helper()
	bed.Write(t, name+".new", text)
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// in puts a pod into a namespace.
func in(namespace string, more ...func(*cri.PodSandboxConfig)) func(*cri.PodSandboxConfig) {
	return func(c *cri.PodSandboxConfig) {
		c.Metadata.Namespace = namespace
		for _, f := range more {
			f(c)
		}
	}
}

// lineOf returns the last audit line of a container.
func lineOf(t *testing.T, id string) map[string]any {
	t.Helper()
	for _, l := range slices.Backward(auditLines(t)) {
		if l["container"] == id {
			return l
		}
	}
	t.Fatalf("no audit line of %s", id)
	return nil
}

func wantLine(t *testing.T, line map[string]any, want map[string]string) {
	t.Helper()
	for key, v := range want {
		if got, _ := line[key].(string); got != v {
			t.Errorf("the audit line's %s is %q, want %q: %v", key, got, v, line)
		}
	}
}

func nodeDefault(t *testing.T, k *bed.CRI, _ *bed.Docker) {
	p := k.MustPod("runclad", in("shop"))
	wantLine(t, lineOf(t, p.ID), map[string]string{"decision": "hardened", "rule": "pauses", "profile": "default", "namespace": "shop"})
	id := p.MustStart("w", nil, "sh", "-c", "/probe net; exec sleep 300")
	r := logged(t, p, "w")
	hardened(t, r)
	blocked(t, r)
	line := lineOf(t, id)
	wantLine(t, line, map[string]string{"decision": "hardened", "rule": "", "profile": "default", "pod": p.Config.GetMetadata().GetName()})
	if line["exemptions"] != nil {
		t.Errorf("exemptions of the default: %v", line["exemptions"])
	}
	pay := p.MustStart("payments", nil, "sh", "-c", "/probe net; exec sleep 300")
	hardened(t, logged(t, p, "payments"))
	wantLine(t, lineOf(t, pay), map[string]string{"rule": "payments", "profile": "strict"})
}

// nodeAgent is a pod for a node agent, and what its container asks for: to be
// privileged, the host's network, and the host's root directory.
func nodeAgent(k *bed.CRI) (*bed.Pod, func(*cri.ContainerConfig)) {
	p := k.MustPod("runclad", in("kube-system", func(c *cri.PodSandboxConfig) {
		c.Linux.SecurityContext.Privileged = true
		c.Linux.SecurityContext.NamespaceOptions.Network = cri.NamespaceMode_NODE
		c.Hostname = "" // as the kubelet has it on the node's network
	}))
	return p, func(c *cri.ContainerConfig) {
		c.Linux.SecurityContext.Privileged = true
		c.Linux.SecurityContext.NamespaceOptions.Network = cri.NamespaceMode_NODE
		c.Mounts = []*cri.Mount{{HostPath: "/", ContainerPath: "/host", Readonly: true}, {HostPath: "/run", ContainerPath: "/host-run"}}
	}
}

func nodeSystem(t *testing.T, k *bed.CRI, _ *bed.Docker) {
	p, agent := nodeAgent(k)
	id := p.MustStart("agent", agent, "sh", "-c", "/probe net; exec sleep 300")
	r := logged(t, p, "agent")
	if r.UID != 0 || r.Caps["Eff"] == noCapabilities || r.Writes["/"] != "ok" {
		t.Errorf("the agent cannot do its work: %+v", r)
	}
	reachedFromNode(t, r)
	line := lineOf(t, id)
	wantLine(t, line, map[string]string{"decision": "hardened", "rule": "node agents", "profile": "system", "metadata": "allowed"})
	if list, _ := line["exemptions"].([]any); len(list) < 5 {
		t.Errorf("exemptions: %v", line["exemptions"])
	}
	if r := k.Exec(id, "/probe"); bed.Report(t, r).UID != 0 {
		t.Errorf("exec into the agent: %v", r)
	}
	// What no node agent needs stays refused.
	_, err := p.Start("socket", func(c *cri.ContainerConfig) {
		agent(c)
		c.Mounts = []*cri.Mount{{HostPath: dockerSock(t), ContainerPath: "/docker.sock"}}
	}, "true")
	if err == nil || !strings.Contains(err.Error(), "engine's socket") || !strings.Contains(err.Error(), "[profile.system]") {
		t.Errorf("an engine's socket in a node agent: %v", err)
	}
}

// dockerSock is a socket where Docker has its own by default.
func dockerSock(t *testing.T) string {
	t.Helper()
	const sock = "/run/docker.sock"
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return sock
}

func nodeExpired(t *testing.T, k *bed.CRI, _ *bed.Docker) {
	p := k.MustPod("runclad", in("kube-system", func(c *cri.PodSandboxConfig) { c.Metadata.Name = "old-agent" }))
	line := lineOf(t, p.ID)
	wantLine(t, line, map[string]string{"rule": "node agents", "decision": "hardened"})
	if notes := mustJSON(t, line["notes"]); !strings.Contains(notes, "rule old agent expired at 2020-02-01T00:00:00Z") {
		t.Errorf("notes: %s", notes)
	}
}

func nodeRefusals(t *testing.T, k *bed.CRI, d *bed.Docker) {
	p := k.MustPod("runclad", in("shop"))
	sock := dockerSock(t)
	for _, name := range []string{"w", "payments"} {
		_, err := p.Start(name, func(c *cri.ContainerConfig) {
			c.Mounts = []*cri.Mount{{HostPath: sock, ContainerPath: "/var/run/docker.sock"}}
		}, "true")
		if err == nil {
			t.Fatalf("%s got an engine's socket", name)
		}
		profile := map[string]string{"w": "default", "payments": "strict"}[name]
		for _, want := range []string{
			"runclad refused create", "an engine's socket gives root on the host", "control host-paths", "CIS 5.6 5.32",
			`host_paths = ["/run/docker.sock"] under [profile.` + profile + "]",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the kubelet is not told %q: %v", want, err)
			}
		}
		if name == "payments" && !strings.Contains(err.Error(), "(rule payments, profile strict)") {
			t.Errorf("the rule is not named: %v", err)
		}
		sayNothingOf(t, err.Error())
	}
	d.Must("tag", bed.Image, "coolminer:1")
	r := d.Run("run", "--rm", "--runtime", "runclad", "coolminer:1", "true")
	if want := "rule no miners (" + bed.PolicyFile; r.Code != 125 || !strings.Contains(r.Stderr, want) || !strings.Contains(r.Stderr, "not on our nodes (ask security@example.com)") {
		t.Errorf("%v, want %q", r, want)
	}
	lines := auditLines(t)
	wantLine(t, lines[len(lines)-1], map[string]string{"decision": "refused", "rule": "no miners", "image": "coolminer:1"})
}

// nodeForged: keys of one engine under another, and a pod's own annotations that
// look like its engine's, get nothing.
func nodeForged(t *testing.T, k *bed.CRI, _ *bed.Docker) {
	p, err := k.RunPod("runclad", in("shop", func(c *cri.PodSandboxConfig) {
		c.Annotations = map[string]string{
			"io.kubernetes.cri.sandbox-namespace": "kube-system",
			"io.kubernetes.cri.container-type":    "sandbox",
			"io.kubernetes.cri-o.Namespace":       "kube-system",
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	id := p.MustStart("w", nil, "sh", "-c", "/probe net; exec sleep 300")
	r := logged(t, p, "w")
	hardened(t, r)
	blocked(t, r)
	for id, rule := range map[string]string{p.ID: "pauses", id: ""} {
		wantLine(t, lineOf(t, id), map[string]string{"namespace": "shop", "rule": rule, "profile": "default"})
	}
}

func nodeRequests(t *testing.T, k *bed.CRI, _ *bed.Docker) {
	ask := func(name, key, value string) (*bed.Pod, error) {
		return k.RunPod("runclad", in("shop", func(c *cri.PodSandboxConfig) {
			c.Metadata.Name = name
			c.Annotations = map[string]string{key: value}
		}))
	}
	p, err := ask("ask-1", "dev.runclad.pids-limit", "55")
	if err != nil {
		t.Fatal(err)
	}
	if line := mustJSON(t, lineOf(t, p.ID)["changes"]); !strings.Contains(line, `"path":"linux.resources.pids.limit","standards":"CIS 5.19 5.29","to":55`) {
		t.Errorf("the limit that the pod asked for is not set: %s", line)
	}
	for _, c := range []struct{ pod, key, value, want string }{
		{"other", "dev.runclad.pids-limit", "55", `requestable = ["pids_limit"], and rule pauses does not`},
		{"ask-2", "dev.runclad.host-network", "true", "cannot be asked for"},
		{"ask-3", "dev.runclad.pids-limit", "9999", "from 1 to 333"},
	} {
		if _, err := ask(c.pod, c.key, c.value); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s asks for %s=%s: %v, want %q", c.pod, c.key, c.value, err, c.want)
		}
	}
}

func nodeDocker(t *testing.T, _ *bed.CRI, d *bed.Docker) {
	hardened(t, d.Report("run", "--rm", "--runtime", "runclad", bed.Image, "/probe"))
	r := d.Report("run", "--rm", "--runtime", "runclad", "--name", "legacy-1", bed.Image, "/probe", "net")
	if r.UID != 0 || r.Writes["/"] != "ok" || r.Caps["Eff"] == noCapabilities || r.Seccomp != 2 {
		t.Errorf("baseline: %+v", r)
	}
	blocked(t, r)
	refused(t, d, []string{"(rule legacy, profile baseline)", "[profile.baseline]"}, "--name", "legacy-2", "--net", "host")
	r = d.Report("run", "--rm", "--runtime", "runclad", "--name", "exporter", "-v", "/etc/ssl:/host:ro", bed.Image, "/probe")
	hardened(t, r)
	if _, ok := r.Mounts["/host"]; !ok {
		t.Error("the bind that the profile allows is not there")
	}
	refused(t, d, []string{"host_paths"}, "-v", "/etc/ssl:/host")
	refused(t, d, []string{"(rule labelled, profile strict)", "credentials"}, "--label", "com.example.tier=front", "-e", "DB_PASSWORD=hunter2")
	for _, l := range auditLines(t) {
		if text := mustJSON(t, l); strings.Contains(text, "hunter2") {
			t.Errorf("a credential's value is in the audit log: %s", text)
		}
	}
}

// nodeAudit: a pod under mode = "audit" starts as it was asked for, and its line
// says what the pod gets once the rule enforces.
func nodeAudit(t *testing.T, k *bed.CRI, _ *bed.Docker) {
	run := func() (pod, id string, line map[string]any, unhardened bool) {
		p := k.MustPod("runclad", in("trial", func(c *cri.PodSandboxConfig) { c.Metadata.Uid, c.Metadata.Name = "u-"+bed.ID(), "trial" }))
		id = p.MustStart("w", nil, "sh", "-c", "/probe; exec sleep 300")
		r := logged(t, p, "w")
		exec := bed.Report(t, k.Exec(id, "/probe"))
		if r.UID != exec.UID || r.NoNewPrivs != exec.NoNewPrivs {
			t.Errorf("init is %+v, exec %+v", r, exec)
		}
		return p.ID, id, lineOfCreate(t, id), r.UID == 0
	}
	pod, _, audited, unhardened := run()
	if !unhardened {
		t.Error("mode audit changed the container")
	}
	wantLine(t, audited, map[string]string{"decision": "audited", "rule": "trial", "profile": "default"})
	wantLine(t, lineOf(t, pod), map[string]string{"decision": "audited"})

	// What would have been refused starts too, and the line has the refusal.
	p := k.MustPod("runclad", in("trial"))
	mount := func(c *cri.ContainerConfig) {
		c.Mounts = []*cri.Mount{{HostPath: "/etc", ContainerPath: "/host"}}
	}
	id := p.MustStart("etc", mount, "sleep", "300")
	line := lineOf(t, id)
	wantLine(t, line, map[string]string{"decision": "audited"})
	reason, _ := line["reason"].(string)
	wouldBe, _, _ := strings.Cut(reason, " (for this workload alone: ") // which has its ID
	if !strings.Contains(wouldBe, "host_paths") || !strings.Contains(mustJSON(t, line["controls"]), "host-paths") {
		t.Errorf("the line of a container that would have been refused: %v", line)
	}

	replaceFile(t, bed.PolicyFile, strings.Replace(nodePolicy[bed.PolicyFile], `mode = "audit"`, `mode = "enforce"`, 1))
	t.Cleanup(func() { replaceFile(t, bed.PolicyFile, nodePolicy[bed.PolicyFile]) })
	_, _, enforced, unhardened := run()
	if unhardened {
		t.Error("mode enforce left the container as it was")
	}
	wantLine(t, enforced, map[string]string{"decision": "hardened", "rule": "trial"})
	if a, e := foretold(t, audited), foretold(t, enforced); a != e {
		t.Errorf("what audit foretold:\n%s\nwhat enforce did:\n%s", a, e)
	}
	if _, err := k.MustPod("runclad", in("trial")).Start("etc", mount, "true"); err == nil || !strings.Contains(err.Error(), wouldBe) {
		t.Errorf("what audit foretold: %s\nwhat enforce says: %v", wouldBe, err)
	}
}

func lineOfCreate(t *testing.T, id string) map[string]any {
	t.Helper()
	for _, l := range auditLines(t) {
		if l["container"] == id && l["verb"] == "create" {
			return l
		}
	}
	t.Fatalf("no audit line of the create of %s", id)
	return nil
}

// foretold is a line's changes without what differs from one container to the
// next: its UID, and IDs in paths.
func foretold(t *testing.T, line map[string]any) string {
	t.Helper()
	b, err := json.MarshalIndent(line["changes"], "", " ")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(b), fmt.Sprintf("%.0f", line["uid"]), "UID")
	return regexp.MustCompile(`[0-9a-f]{64}|container/[^"\\]*|/proc/[0-9]+/`).ReplaceAllString(text, "…")
}

// nodeEdited: while the policy is edited, each container gets the old one or the
// new one, never something in between.
func nodeEdited(t *testing.T, _ *bed.CRI, _ *bed.Docker) {
	text := func(n int) string {
		return fmt.Sprintf("[profile.default]\npids_limit = %d\n# %s\n[profile.other]\n[[rule]]\nname = \"all\"\n[profile.strict]\ntmpfs_size = %d\n[profile.baseline]\npids_limit = %d\n",
			1000+n, strings.Repeat("x", n%7*1000), (1000+n)*4096, n+1)
	}
	writers := map[string]func(text string) error{
		"renamed": func(text string) error {
			if err := os.WriteFile(bed.PolicyFile+".new", []byte(text), 0o644); err != nil {
				return err
			}
			return os.Rename(bed.PolicyFile+".new", bed.PolicyFile)
		},
		"truncated and written anew": func(text string) error { return os.WriteFile(bed.PolicyFile, []byte(text), 0o644) },
	}
	t.Cleanup(func() { replaceFile(t, bed.PolicyFile, nodePolicy[bed.PolicyFile]) })
	rt := bed.CurrentRunc(t)
	rootfs := bed.Rootfs(t)
	for name, write := range writers {
		t.Run(name, func(t *testing.T) {
			replaceFile(t, bed.PolicyFile, text(0))
			stop := make(chan struct{})
			var editing sync.WaitGroup
			editing.Go(func() {
				for n := 1; ; n++ {
					select {
					case <-stop:
						return
					case <-time.After(70 * time.Millisecond):
					}
					if err := write(text(n)); err != nil {
						t.Error(err)
						return
					}
				}
			})
			seen := map[float64]bool{}
			for range 25 {
				s := bed.DockerSpec(t)
				s.Linux.Resources.Pids = nil
				s.Process.Args = []string{"true"}
				c := bed.NewContainer(t, bed.Shim(t), rt, rootfs, s)
				if r := c.Create(); r.Code != 0 {
					t.Errorf("create while the policy is edited: %v", r)
					continue
				}
				var doc struct {
					Linux struct {
						Resources struct{ Pids struct{ Limit json.Number } }
					}
				}
				if err := json.Unmarshal(c.Config(), &doc); err != nil {
					t.Fatal(err)
				}
				limit := doc.Linux.Resources.Pids.Limit
				n, err := limit.Float64()
				if err != nil || n < 1000 || n > 1999 {
					t.Errorf("the limit on processes is %s: no policy of this test says so", limit)
				}
				seen[n] = true
				c.Must("delete", "--force", c.ID)
			}
			close(stop)
			editing.Wait()
			if len(seen) < 2 {
				t.Errorf("no edit took effect: %v", seen)
			}
		})
	}
}
