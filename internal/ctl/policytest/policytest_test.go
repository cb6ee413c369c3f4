// SPDX-License-Identifier: Apache-2.0

package policytest

import (
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/internal/policy"
)

const text = `
[profile.default]
images = ["docker.io/library/*"]

[profile.agent]
host_pid = true
images = []

[[rule]]
name = "agents"
profile = "agent"
match.engine = "cri"
match.namespace = "kube-system"
expires = "2027-01-01"

[[rule]]
name = "no"
mode = "refuse"
match.label.tier = "forbidden"

[[rule]]
name = "ask"
requestable = ["pids_limit"]
match.engine = "podman"
`

const inTOML = `policy = ["p.toml"]

[[test]]
name = "an agent"
at = "2026-12-01"
workload = { engine = "cri", namespace = "kube-system" }
expect = { rule = "agents", profile = "agent", mode = "enforce" }

[[test]]
name = "an agent, too late"
at = "2027-02-01T00:00:00Z"
[test.workload]
engine = "cri"
namespace = "kube-system"
image = "nginx"
[test.expect]
rule = ""
profile = "default"

[[test]]
name = "another image"
workload = { engine = "docker", image = "quay.io/x" }
expect = { refused = ["images"] }

[[test]]
name = "refused by a rule"
workload = { engine = "docker", image = "nginx", label = { tier = "forbidden" } }
expect = { rule = "no", mode = "refuse", refused = ["rules"] }

[[test]]
name = "asks for it"
workload = { engine = "podman", image = "nginx", annotation = { "dev.runclad.pids-limit" = "100000" } }
expect = { rule = "ask", refused = ["annotations"] }
`

const inYAML = `
test:
- name: an agent
  at: 2026-12-01
  workload: {engine: cri, namespace: kube-system}
  expect: {rule: other, profile: default}
- name: nothing is refused
  workload: {engine: docker, image: quay.io/x}
  expect: {profile: default}
- name: too late
  at: 2027-02-01
  workload: {engine: cri, namespace: kube-system, image: nginx}
  expect: {rule: agents}
`

func run(t *testing.T, name, data string) []Result {
	t.Helper()
	p, err := policy.Parse(policy.Text{Name: "p.toml", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(name, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Run(p, time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPass(t *testing.T) {
	got := run(t, "t.toml", inTOML)
	if len(got) != 5 {
		t.Errorf("%d tests", len(got))
	}
	for _, r := range got {
		if len(r.Failures) > 0 {
			t.Errorf("%s: %q", r.Name, r.Failures)
		}
	}
	if got[1].Line != 9 || got[4].Line != 30 {
		t.Errorf("lines %d, %d", got[1].Line, got[4].Line)
	}
}

func TestFail(t *testing.T) {
	got := run(t, "t.yaml", inYAML)
	for i, wants := range [][]string{
		{`rule is "agents", want "other"`, "there is no rule other", `profile is "agent", want "default"`},
		{"refused by images, want nothing", "the image quay.io/x is not among those that may run"},
		{`rule is "", want "agents"`, "agents does not match: rule agents expired at"},
	} {
		failures := strings.Join(got[i].Failures, "\n")
		for _, want := range wants {
			if !strings.Contains(failures, want) {
				t.Errorf("%s lacks %q: %s", got[i].Name, want, failures)
			}
		}
	}
	if got[0].Line != 3 || got[2].Line != 10 {
		t.Errorf("lines %d, %d", got[0].Line, got[2].Line)
	}
}

func TestParse(t *testing.T) {
	for name, tt := range map[string]struct{ file, text, want string }{
		"empty":        {"t.toml", "", "holds no test"},
		"unknown":      {"t.toml", "[[test]]\nname = \"a\"\nwrokload = {}\n", `line 3: unknown key "test.wrokload"`},
		"syntax":       {"t.toml", "[[test]\n", "line 1"},
		"unknown yaml": {"t.yml", "test:\n- name: a\n  expects: {}\n", "line 3: field expects not found"},
		"nothing":      {"t.toml", "[[test]]\nname = \"a\"\nworkload = { engine = \"cri\" }\n", "t.toml:1: a: it expects nothing"},
		"engine":       {"t.toml", "[[test]]\nname = \"a\"\nexpect = { rule = \"x\" }\n", `workload.engine: ""`},
		"control":      {"t.toml", "[[test]]\nname = \"a\"\nworkload = { engine = \"cri\" }\nexpect = { refused = [\"x\"] }\n", `no control "x"`},
	} {
		if _, err := Parse(tt.file, []byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
