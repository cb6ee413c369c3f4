// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// rules of a node, each with one purpose.
const rules = `
[profile.gpu]
devices = ["/dev/dri/renderD128"]

[[rule]]
name = "over"
match = { namespace = "kube-system", pod = "old-*" }
profile = "privileged"
expires = 2026-05-31

[[rule]]
name = "no miners"
match = { image = "*miner*" }
mode = "refuse"
reason = "not on our nodes"
owner = "platform team"

[[rule]]
name = "agents"
match = { engine = "cri", namespace = ["kube-system", "monitoring"] }
profile = "system"

[[rule]]
name = "gpu"
match = { image = "registry.example.com/ml/*" }
profile = "gpu"

[[rule]]
name = "trial"
match = { namespace = "trial" }
mode = "audit"

[[rule]]
name = "labelled"
match = { label = { "com.example.tier" = "front*" } }
profile = "strict"

[[rule]]
name = "pauses"
match = { sandbox = true }
profile = "strict"
`

func TestDecide(t *testing.T) {
	p := parse(t, rules)
	labels := spec.Map(spec.M("com.example.tier", spec.Text("frontend")))
	for _, tc := range []struct {
		name                string
		w                   workload.Workload
		rule, profile, mode string
	}{
		{"nothing matches", workload.Workload{Engine: "docker"}, "", "default", "enforce"},
		{"expired, then the next", workload.Workload{Engine: "cri", Namespace: "kube-system", Pod: "old-1"}, "agents", "system", "enforce"},
		{"a list", workload.Workload{Engine: "cri", Namespace: "monitoring"}, "agents", "system", "enforce"},
		{"the namespace of another engine", workload.Workload{Engine: "docker", Namespace: "monitoring"}, "", "default", "enforce"},
		{"the first wins", workload.Workload{Engine: "cri", Namespace: "kube-system", Image: "x/miner:1"}, "no miners", "default", "refuse"},
		{"an image in full", workload.Workload{Engine: "docker", Image: "registry.example.com/ml/train:2"}, "gpu", "gpu", "enforce"},
		{"an image that only ends so", workload.Workload{Engine: "docker", Image: "evil.example/registry.example.com/ml/train"}, "", "default", "enforce"},
		{"audit", workload.Workload{Engine: "cri", Namespace: "trial"}, "trial", "default", "audit"},
		{"a label", workload.Workload{Engine: "docker", Labels: labels}, "labelled", "strict", "enforce"},
		{"a sandbox", workload.Workload{Engine: "cri", Sandbox: true, Namespace: "x"}, "pauses", "strict", "enforce"},
		{"a name that proves nothing", workload.Workload{Engine: "cri-o", Claimed: true, Namespace: "trial"}, "", "default", "enforce"},
		{"such a name, to be stricter", workload.Workload{Engine: "podman", Claimed: true, Image: "miner"}, "no miners", "default", "refuse"},
		{"containerd's own namespace is no claim", workload.Workload{Engine: "containerd", Claimed: true, Namespace: "trial"}, "trial", "default", "audit"},
	} {
		d := p.Decide(&tc.w, nil, noon)
		rule := ""
		if d.Rule != nil {
			rule = d.Rule.Name
		}
		if rule != tc.rule || d.Profile.Name != tc.profile || d.Mode != tc.mode {
			t.Errorf("%s: rule %q, profile %s, mode %s; want %q, %s, %s", tc.name, rule, d.Profile.Name, d.Mode, tc.rule, tc.profile, tc.mode)
		}
		for i, trial := range p.Trials(&tc.w, nil, noon) {
			if trial.Matched != (trial.Why == "") || rule == p.Rules[i].Name && !trial.Matched {
				t.Errorf("%s: trial %+v of rule %s", tc.name, trial, p.Rules[i].Name)
			}
		}
	}
	if d := p.Decide(&workload.Workload{Engine: "cri", Namespace: "kube-system", Pod: "old-1"}, nil, noon); len(d.Notes) != 1 ||
		d.Notes[0] != "rule over expired at 2026-06-01T00:00:00Z and no longer applies" {
		t.Errorf("notes %q", d.Notes)
	}
	if d := p.Decide(&workload.Workload{Engine: "cri-o", Claimed: true, Namespace: "trial"}, nil, noon); len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "claims = true") {
		t.Errorf("notes %q", d.Notes)
	}
	if got, want := p.Rules[1].Refusal(), "rule no miners (policy.toml, line 11) refuses this container: not on our nodes (ask platform team)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTrialsSayWhy(t *testing.T) {
	p := parse(t, rules)
	trials := p.Trials(&workload.Workload{Engine: "cri", Namespace: "shop", Image: "nginx"}, nil, noon)
	for i, want := range []string{
		"namespace is shop, and the rule wants kube-system",
		"image is nginx docker.io/library/nginx docker.io/library/nginx:latest, and the rule wants *miner*",
		"namespace is shop, and the rule wants kube-system or monitoring",
		"image is nginx docker.io/library/nginx docker.io/library/nginx:latest, and the rule wants registry.example.com/ml/*",
		"namespace is shop, and the rule wants trial",
		"label com.example.tier is not known, and the rule wants front*",
		"sandbox is false, and the rule wants true",
	} {
		if trials[i].Why != want {
			t.Errorf("%q, want %q", trials[i].Why, want)
		}
	}
}

func TestExpires(t *testing.T) {
	for text, last := range map[string]time.Time{
		`2026-06-01`:                  time.Date(2026, 6, 1, 23, 59, 59, 0, time.UTC),
		`"2026-06-01"`:                time.Date(2026, 6, 1, 23, 59, 59, 0, time.UTC),
		`2026-06-01T14:00:00+02:00`:   time.Date(2026, 6, 1, 11, 59, 59, 0, time.UTC),
		`"2026-06-01T14:00:00+02:00"`: time.Date(2026, 6, 1, 11, 59, 59, 0, time.UTC),
	} {
		r := parse(t, "[[rule]]\nname = \"r\"\nexpires = "+text+"\n").Rules[0]
		if r.Expired(last) || !r.Expired(last.Add(time.Second)) {
			t.Errorf("%s: %v", text, r.Expires)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, tc := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a", "a", true},
		{"a", "ab", false},
		{"*", "", true},
		{"*", "a/b", true},
		{"a*", "a", true},
		{"a*c", "abbc", true},
		{"a*c", "abcb", false},
		{"*a*b*", "xxaxxbxx", true},
		{"*ab", "aab", true},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"reg/*@sha256:*", "reg/x/y@sha256:00", true},
		{"**", "x", true},
		{"a*a*a*a*a*a*a*a*b", strings.Repeat("a", 4096), false}, // and in no time
	} {
		if got := Glob(tc.pattern, tc.s); got != tc.want {
			t.Errorf("Glob(%q, %.20q) = %v", tc.pattern, tc.s, got)
		}
	}
}

func TestRequest(t *testing.T) {
	p := parse(t, "[[rule]]\nname = \"r\"\nrequestable = [\"seccomp\", \"pids_limit\", \"tmpfs_size\", \"writable\", \"task_credentials\"]\n")
	none := parse(t, "[[rule]]\nname = \"r\"\n")
	w := workload.Workload{Engine: "cri"}
	ask := func(p *Policy, key, value string) (*Profile, error) {
		d := p.Decide(&w, nil, noon)
		return d.Request(spec.Map(spec.M("other/key", spec.Text("x")), spec.M(key, spec.Text(value))))
	}
	for _, tc := range []struct {
		policy     *Policy
		key, value string
		refusal    string
	}{
		{p, "dev.runclad.seccomp", "strict", ""},
		{p, "dev.runclad.seccomp", "unconfined", `only "strict"`},
		{p, "dev.runclad.pids-limit", "100", ""},
		{p, "dev.runclad.pids_limit", "100000", "from 1 to 4096"},
		{p, "dev.runclad.pids_limit", "-1", "from 1 to 4096"},
		{p, "dev.runclad.tmpfs_size", "1", "less than a page"},
		{p, "dev.runclad.writable", "/app/data,/app/cache", ""},
		{p, "dev.runclad.writable", "../etc", "absolute path"},
		{p, "dev.runclad.task-credentials", "allow", `only "block"`},
		{p, "dev.runclad.host_pid", "true", "cannot be asked for"},
		{p, "dev.runclad.", "true", "cannot be asked for"},
		{none, "dev.runclad.seccomp", "strict", `requestable = ["seccomp"], and rule r does not`},
		{Default(), "dev.runclad.seccomp", "strict", "no rule is for this container"},
		{Default(), "dev.runcladx", "strict", ""},
	} {
		got, err := ask(tc.policy, tc.key, tc.value)
		switch {
		case tc.refusal == "" && err != nil, tc.refusal != "" && (err == nil || !strings.Contains(err.Error(), tc.refusal)):
			t.Errorf("%s=%s: %v, want %q", tc.key, tc.value, err, tc.refusal)
		case err == nil && tc.policy == p && got == p.Profile():
			t.Errorf("%s=%s: nothing was set", tc.key, tc.value)
		}
	}
	if have := p.Profile(); len(have.Writable) != 0 || have.PidsLimit != 4096 || have.Seccomp != "default" {
		t.Errorf("a request changed the policy: %+v", have)
	}
}
