// SPDX-License-Identifier: Apache-2.0

package explained_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/ctl/explained"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/runtime"
)

var now = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func parse(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(policy.Text{Name: "policy.toml", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const config = `{"ociVersion":"1.0.2","process":{"args":["sh"],"cwd":"/","env":["PATH=/bin"],"user":{"uid":0,"gid":0}},
"root":{"path":"rootfs"},"mounts":[MOUNT],
"linux":{"namespaces":[{"type":"mount"},{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"network"}]}}`

func bundle(t *testing.T, mount string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "web")
	if err := os.MkdirAll(filepath.Join(dir, "rootfs/etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(strings.Replace(config, "MOUNT", mount, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func explain(t *testing.T, dir, text string) *explained.View {
	t.Helper()
	e, err := runtime.Explain(runtime.Query{Bundle: dir, ID: "web", Policy: parse(t, text), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return explained.Of("web", e)
}

func printed(t *testing.T, v *explained.View) string {
	t.Helper()
	var b bytes.Buffer
	if err := v.Print(&b, false); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func contains(t *testing.T, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q:\n%s", want, got)
		}
	}
}

func TestBundle(t *testing.T) {
	v := explain(t, bundle(t, ""), `
[[rule]]
name = "agents"
profile = "system"
match.namespace = "kube-system"

[[rule]]
name = "here"
match.engine = "direct"

[[rule]]
name = "rest"
`)
	contains(t, printed(t, v),
		"verdict    would be hardened",
		"rule       here (policy.toml, line 7)",
		"  agents: namespace is not known, and the rule wants kube-system",
		"* here: it is the first that matches",
		"  rest: it matches too, and comes after the one that decides",
		"  no-new-privileges (CIS 5.26, PSS restricted, NSA 1.7)\n    process.noNewPrivileges: absent → true",
		"    process.user.uid: 0 → 2001000000",
		"would be blocked at create")
	d, err := v.Diff()
	if err != nil {
		t.Fatal(err)
	}
	contains(t, string(d), "--- config.json (engine)", "+    \"noNewPrivileges\": true", "-      \"uid\": 0,")
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, string(data), `"verdict":"hardened"`, `"path":"process.noNewPrivileges","from":null,"to":true`)
}

func TestRefused(t *testing.T) {
	v := explain(t, bundle(t, `{"destination":"/h","type":"bind","source":"/etc","options":["rbind"]}`), "")
	contains(t, printed(t, v), "would be refused", "host-paths (CIS 5.6 5.32", `to allow it: [profile.default] host_paths = ["/etc"]`)
	if d, err := v.Diff(); err != nil || len(d) > 0 {
		t.Errorf("a refused container has a difference: %v %s", err, d)
	}
}

func TestContainer(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "audit.jsonl")
	lines := `{"time":"2026-11-01T10:00:00Z","decision":"refused","verb":"create","engine":"docker","container":"aaa1","name":"web","controls":["devices"],"reason":"no"}
{"time":"2026-11-01T11:00:00Z","decision":"hardened","verb":"create","engine":"direct","container":"aaa2","name":"web","rule":"here","profile":"default","metadata":"start","changes":[{"control":"rootfs","standards":"CIS 5.13","path":"root.readonly","to":true}]}
{"time":"2026-11-01T12:00:00Z","decision":"hardened","verb":"exec","engine":"direct","container":"aaa2","name":"web"}
`
	if err := os.WriteFile(log, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := auditlog.Files(log)
	if err != nil {
		t.Fatal(err)
	}
	p := parse(t, "[[rule]]\nname = \"here\"\nmatch.engine = \"direct\"\n")
	r := &record.Record{ID: "aaa2", Root: "/run/runc", Bundle: bundle(t, ""), PolicyDigest: "another"}
	v, err := explained.Container("aaa2", r, files, p, now)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, printed(t, v), "was hardened at 2026-11-01T11:00:00Z", "rule       here", "root.readonly: absent → true",
		"* here: it is the first", "the policy has changed since", "were blocked at start")
	if _, err := v.Diff(); err == nil {
		t.Error("there is a difference without the engine's document")
	}

	// One that was refused has no record.
	v, err = explained.Container("aaa1", nil, files, p, now)
	if err != nil || v.Verdict != "refused" || v.Reason != "no" {
		t.Errorf("%v: %+v", err, v)
	}
	// By name it is the newest; a beginning of two IDs is nobody's.
	if v, err = explained.Container("web", nil, files, p, now); err != nil || v.ID != "aaa2" {
		t.Errorf("%v: %+v", err, v)
	}
	if _, err = explained.Container("aaa", nil, files, p, now); err == nil {
		t.Error("a beginning of two IDs was taken")
	}
	if _, err = explained.Container("zzz", nil, files, p, now); !errors.Is(err, explained.ErrUnknown) {
		t.Error(err)
	}
	// A record whose line is gone still says what it knows.
	r.Created, r.Profile = "2026-11-01T11:00:00Z", "default"
	if v, err = explained.Container("aaa2", r, nil, p, now); err != nil || len(v.Unknown) != 1 || v.Verdict != "hardened" {
		t.Errorf("%v: %+v", err, v)
	}
}

// Names come from whoever starts containers and do not reach the terminal as
// they are.
func TestNoEscapes(t *testing.T) {
	v := explained.Logged(&auditlog.Entry{Time: now, Decision: "refused", Name: "\x1b[2Jx", Reason: "a\nb"})
	if got := printed(t, v); strings.ContainsRune(got, 0x1b) || strings.Contains(got, "a\nb") {
		t.Errorf("%q", got)
	}
}

func TestLocate(t *testing.T) {
	for bundle, want := range map[string][2]string{
		"/run/containerd/io.containerd.runtime.v2.task/k8s.io/abc":             {"/run/containerd/runc/k8s.io", "abc"},
		"/run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/abc": {"/var/run/docker/runtime-runc/moby", "abc"},
		"/var/lib/containers/storage/overlay-containers/abc/userdata":          {"", "abc"},
		"/srv/b": {"", "b"},
	} {
		if root, id := explained.Locate(bundle); root != want[0] || id != want[1] {
			t.Errorf("%s: %s %s", bundle, root, id)
		}
	}
}
