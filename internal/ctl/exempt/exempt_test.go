// SPDX-License-Identifier: Apache-2.0

package exempt

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/ctl/policylint"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

var now = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// place is a policy's place with these files: "policy.toml", or names of policy.d.
func place(t *testing.T, files map[string]string) policy.Place {
	t.Helper()
	dir := t.TempDir()
	p := policy.Place{File: filepath.Join(dir, "policy.toml"), Dir: filepath.Join(dir, "policy.d")}
	if err := os.Mkdir(p.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		file := filepath.Join(p.Dir, name)
		if name == "policy.toml" {
			file = p.File
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// refused is a log with the refusals of one container.
func refused(t *testing.T, line map[string]any, rs ...*control.Refusal) []auditlog.File {
	t.Helper()
	var controls, allow []string
	for _, r := range rs {
		controls = append(controls, r.Control.ID)
		if r.Allow != "" {
			allow = append(allow, r.Allow)
		}
	}
	line["time"], line["decision"], line["verb"] = "2026-11-02T11:00:00Z", "refused", "create"
	line["controls"], line["allow"], line["reason"] = controls, allow, control.Refusals(rs).Error()
	data, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "audit.jsonl")
	other := `{"time":"2026-11-02T10:00:00Z","decision":"refused","verb":"create","container":"other","name":"other","controls":["rules"],"reason":"no"}`
	if err := os.WriteFile(log, []byte(other+"\n"+string(data)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := auditlog.Files(log)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func exemption(name string) *Exemption {
	return &Exemption{Name: name, Order: DefaultOrder, Reason: "a \"reason\"", Owner: "ops", Until: now.AddDate(0, 1, 0)}
}

func from(t *testing.T, e *Exemption, files []auditlog.File) {
	t.Helper()
	l, err := Refusal(files, Latest)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.FromRefusal(l); err != nil {
		t.Fatal(err)
	}
}

func prepare(t *testing.T, e *Exemption, pl policy.Place) *Prepared {
	t.Helper()
	made, err := Prepare(e, pl, now)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// An exemption that would stay behind another one says how it gets before it, and
// one that is short is not warned of its end.
func TestBehindAnother(t *testing.T) {
	pl := place(t, map[string]string{"policy.toml": ""})
	web := map[string]any{"container": "c1", "engine": "docker", "name": "web", "image": "web:1", "image_id": imageID, "profile": "default"}
	first := exemption("all")
	first.Until = now.AddDate(0, 0, 1)
	first.Match.Engine, first.Allow = []string{"docker"}, []string{"host_ipc = true"}
	made := prepare(t, first, pl)
	for _, f := range made.Findings {
		if f.Check == policylint.ExpiresSoon {
			t.Errorf("%+v", f)
		}
	}
	if err := made.Place(); err != nil {
		t.Fatal(err)
	}
	second := exemption("web")
	from(t, second, refused(t, web, control.Refuse(control.Namespaces, `host_pid = true`, "z")))
	_, err := Prepare(second, pl, now)
	if err == nil || !strings.Contains(err.Error(), "choose an --order below 50, or take that exemption away (runcladctl exempt remove all)") {
		t.Fatal(err)
	}
	second.Order = 49
	prepare(t, second, pl)
}

const imageID = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestFromRefusal(t *testing.T) {
	pl := place(t, map[string]string{"policy.toml": "[profile.default]\nhost_paths = [\"/srv/a\"]\npids_limit = 77\n"})
	files := refused(t, map[string]any{"container": "c1", "engine": "docker", "name": "web", "image": "web:1", "image_id": imageID, "profile": "default"},
		control.Refuse(control.HostPaths, `host_paths = ["/etc/ssl/private"]`, "x"),
		control.Refuse(control.HostPaths, `host_paths = ["/run/docker.sock"]`, "y"),
		control.Refuse(control.Namespaces, `host_pid = true`, "z"))
	e := exemption("web")
	from(t, e, files)
	made := prepare(t, e, pl)
	const want = `# Written by runcladctl exempt; runcladctl exempt remove web takes it away.

[profile.exempt-web]
base = "default"
host_paths = ["/srv/a", "/etc/ssl/private", "/run/docker.sock"]
host_pid = true

[[rule]]
name = "web"
reason = "a \"reason\""
owner = "ops"
expires = "2026-12-02T12:00:00Z"
profile = "exempt-web"
match.engine = "docker"
match.container = "web"
match.image = "` + imageID + `"
`
	if string(made.Data) != want {
		t.Errorf("it is\n%s\nwant\n%s", made.Data, want)
	}
	if filepath.Base(made.Path) != "50-exempt-web.toml" {
		t.Error(made.Path)
	}

	// In place it does what it is for, and only that.
	if err := made.Place(); err != nil {
		t.Fatal(err)
	}
	p, err := pl.Read()
	if err != nil {
		t.Fatal(err)
	}
	w := *e.Of
	d := p.Decide(&w, spec.Map(), now)
	if d.Rule == nil || d.Rule.Name != "web" || !d.Profile.HostPID || d.Profile.PidsLimit != 77 || d.Profile.HostNetwork {
		t.Errorf("%+v", d)
	}
	w.ImageID = strings.Replace(imageID, "0", "1", 1)
	if d := p.Decide(&w, spec.Map(), now); d.Rule != nil {
		t.Error("another image gets it too")
	}
	// When it has ended it says so.
	if d := p.Decide(e.Of, spec.Map(), now.AddDate(1, 0, 0)); d.Rule != nil || len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "rule web expired at 2026-12-02") {
		t.Errorf("%+v", d)
	}
	// A second of that name is refused, the first is left alone.
	if _, err := Prepare(exemptionFor("web"), pl, now); err == nil || !strings.Contains(err.Error(), "there is a rule web") {
		t.Error(err)
	}
	if err := made.Place(); !errors.Is(err, os.ErrExist) {
		t.Error(err)
	}
	if left, err := os.ReadDir(pl.Dir); err != nil || len(left) != 1 {
		t.Errorf("%v: %v", err, left)
	}
	if got := List(p, now); len(got) != 1 || got[0].Name != "web" || got[0].Ended || !List(p, now.AddDate(1, 0, 0))[0].Ended {
		t.Errorf("%+v", got)
	}
	if file, err := Remove(pl, "web"); err != nil || file != made.Path {
		t.Errorf("%v: %s", err, file)
	}
	if _, err := Remove(pl, "web"); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

// exemptionFor is one for a container by name.
func exemptionFor(name string) *Exemption {
	e := exemption(name)
	e.Allow, e.Match.Container, e.Match.Engine = []string{"host_pid = true"}, []string{"x"}, []string{"docker"}
	return e
}

func TestNarrow(t *testing.T) {
	pid := control.Refuse(control.Namespaces, `host_pid = true`, "z")
	for name, tt := range map[string]struct {
		line       map[string]any
		want, note string
	}{
		"pod": {
			map[string]any{"engine": "cri", "namespace": "shop", "pod": "web-6d4cf56db6-x7k2p", "name": "app", "image": "app:1"},
			"match.engine = \"cri\"\nmatch.namespace = \"shop\"\nmatch.pod = \"web-6d4cf56db6-x7k2p\"\nmatch.container = \"app\"\nmatch.image = \"app:1\"\n",
			"--pod 'web-6d4cf56db6-*'",
		},
		"pause container": {
			map[string]any{"engine": "cri", "namespace": "shop", "pod": "web", "image": "pause:3", "sandbox": true},
			"match.engine = \"cri\"\nmatch.namespace = \"shop\"\nmatch.pod = \"web\"\n", "every container of the pod",
		},
		"generated": {
			map[string]any{"engine": "docker", "name": "brave_bell3", "image": "web:1"},
			"match.engine = \"docker\"\nmatch.image = \"web:1\"\n", "looks generated",
		},
	} {
		e := exemption("x")
		from(t, e, refused(t, tt.line, pid))
		made := prepare(t, e, place(t, nil))
		if _, match, _ := strings.Cut(string(made.Data), "\nmatch."); "match."+match != tt.want {
			t.Errorf("%s: match.%s", name, match)
		}
		if !strings.Contains(strings.Join(e.Notes, "\n"), tt.note) {
			t.Errorf("%s: notes %q", name, e.Notes)
		}
	}
	// What the caller says comes first.
	e := exemption("x")
	e.Match.Pod = []string{"web-*"}
	from(t, e, refused(t, map[string]any{"engine": "cri", "namespace": "shop", "pod": "web-1", "name": "app"}, pid))
	if made := prepare(t, e, place(t, nil)); !strings.Contains(string(made.Data), `match.pod = "web-*"`) {
		t.Errorf("%s", made.Data)
	}
}

func TestClaims(t *testing.T) {
	line := map[string]any{"engine": "podman", "name": "web", "image": "web:1"}
	e := exemption("x")
	from(t, e, refused(t, line, control.Refuse(control.Namespaces, `host_pid = true`, "z")))
	if _, err := Prepare(e, place(t, nil), now); err == nil || !strings.Contains(err.Error(), "--claims accepts them") {
		t.Error(err)
	}
	e.Claims = true
	made := prepare(t, e, place(t, nil))
	if !strings.Contains(string(made.Data), "claims = true") {
		t.Errorf("%s", made.Data)
	}
	var checks []string
	for _, f := range made.Findings {
		checks = append(checks, f.Check)
	}
	if fmt.Sprint(checks) != "[loosens image-by-name sandbox claims]" && fmt.Sprint(checks) != "[loosens image-by-name claims]" {
		t.Errorf("findings: %q", checks)
	}
}

func TestRefuses(t *testing.T) {
	cannot := refused(t, map[string]any{"engine": "docker", "name": "web"},
		control.Refuse(control.Namespaces, `host_pid = true`, "z"), control.Refuse(control.Volumes, "", "never"))
	l, err := Refusal(cannot, "web")
	if err != nil {
		t.Fatal(err)
	}
	if err := exemption("x").FromRefusal(l); err == nil || !strings.Contains(err.Error(), "not everything against it") {
		t.Error(err)
	}
	l.Decision = "audited" // and would have been refused
	if data, err := json.Marshal(l); err != nil || os.WriteFile(cannot[0].Path, append(data, '\n'), 0o600) != nil {
		t.Fatal(err)
	}
	if would, err := Refusal(cannot, Latest); err != nil || would.Name != "web" {
		t.Error(err)
	}
	withProfile := exemption("x")
	withProfile.Profile = "baseline"
	if err := withProfile.FromRefusal(l); err != nil {
		t.Error(err)
	}
	if made := prepare(t, withProfile, place(t, nil)); !strings.Contains(string(made.Data), `profile = "baseline"`) || strings.Contains(string(made.Data), "[profile") {
		t.Errorf("%s", made.Data)
	}
	if _, err := Refusal(cannot, "nobody"); err == nil {
		t.Error("a refusal of nobody")
	}

	change := func(f func(*Exemption)) *Exemption {
		e := exemptionFor("x")
		f(e)
		return e
	}
	for name, tt := range map[string]struct {
		e     *Exemption
		files map[string]string
		want  string
	}{
		"name":        {change(func(e *Exemption) { e.Name = "../x" }), nil, "lower-case"},
		"reason":      {change(func(e *Exemption) { e.Reason = " " }), nil, "a reason and an owner"},
		"owner":       {change(func(e *Exemption) { e.Owner = "" }), nil, "a reason and an owner"},
		"end":         {change(func(e *Exemption) { e.Until = time.Time{} }), nil, "needs an end"},
		"past":        {change(func(e *Exemption) { e.Until = now }), nil, "has passed"},
		"far":         {change(func(e *Exemption) { e.Until = now.AddDate(10, 0, 0) }), nil, "more than 732 days"},
		"nothing":     {change(func(e *Exemption) { e.Allow = nil }), nil, "nothing is to be allowed"},
		"everybody":   {change(func(e *Exemption) { e.Match = policy.Match{} }), nil, "whom is it for"},
		"no key":      {change(func(e *Exemption) { e.Allow = []string{"host_pids = true"} }), nil, "no line of a profile"},
		"no TOML":     {change(func(e *Exemption) { e.Allow = []string{"host_pid"} }), nil, "no line of a profile"},
		"no value":    {change(func(e *Exemption) { e.Allow = []string{`capabilities = ["CAP_X"]`} }), nil, "the policy would be broken"},
		"base":        {change(func(e *Exemption) { e.Allow = []string{`base = "system"`} }), nil, "cannot be added"},
		"no profile":  {change(func(e *Exemption) { e.Allow, e.Profile = nil, "nobody" }), nil, "the policy would be broken"},
		"rule exists": {exemptionFor("x"), map[string]string{"policy.toml": "[[rule]]\nname = \"x\"\n"}, "there is a rule x"},
		"file exists": {exemptionFor("x"), map[string]string{"10-exempt-x.toml": ""}, "10-exempt-x.toml exists"},
		"broken":      {exemptionFor("x"), map[string]string{"policy.toml": "x = 1\n"}, "broken already"},
		"allowed":     {exemptionFor("x"), map[string]string{"policy.toml": "[profile.default]\nhost_pid = true\n"}, "allows all of that already"},
		"comes late": {
			change(func(e *Exemption) { e.Of = &workload.Workload{Engine: "docker", Name: "x"} }),
			map[string]string{"10.toml": "[[rule]]\nname = \"first\"\n"},
			"rule first (",
		},
		"is for another": {
			change(func(e *Exemption) { e.Of = &workload.Workload{Engine: "docker", Name: "y"} }), nil, "container is y, and the rule wants x",
		},
	} {
		pl := place(t, tt.files)
		if _, err := Prepare(tt.e, pl, now); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if left, err := os.ReadDir(pl.Dir); err != nil || len(left) > 1 {
			t.Errorf("%s: %v left", name, left)
		}
	}
}

func TestEnd(t *testing.T) {
	for in, want := range map[[2]string]string{
		{"2027-01-31", ""}: "2027-02-01T00:00:00Z", {"2027-01-31T18:00:00+01:00", ""}: "2027-01-31T17:00:00Z",
		{"", "90d"}: "2027-01-31T12:00:00Z", {"", "12h"}: "2026-11-03T00:00:00Z",
	} {
		if got, err := End(in[0], in[1], now); err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%q: %v %v, want %s", in, got, err, want)
		}
	}
	for _, in := range [][2]string{{"tomorrow", ""}, {"", "soon"}, {"", "-1h"}, {"", "d"}, {"", "0"}} {
		if _, err := End(in[0], in[1], now); err == nil {
			t.Errorf("%q was taken", in)
		}
	}
}
