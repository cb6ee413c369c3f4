// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/runclad/runclad/integration/bed"
	probed "github.com/runclad/runclad/integration/report"
	"github.com/runclad/runclad/internal/ctl/metrics"
	"github.com/runclad/runclad/internal/ctl/report"
	"github.com/runclad/runclad/internal/ctl/status"
)

// population is one container of each kind that a node has.
type population struct {
	web, audited, agent, plain string // of pods
	clad, open, legacy         string // Docker's
	bare                       *bed.Pod
	pods                       []string // pause containers of runclad's
}

// nodeSeen: what runs here, what was decided about it, and what was refused is
// seen by the operator's tool.
func nodeSeen(t *testing.T, k *bed.CRI, d *bed.Docker) {
	state := filepath.Join(bed.Dir(t, "metrics"), "state.json")
	before := collect(t, state)
	n := populate(t, k, d)
	t.Run("Status", func(t *testing.T) { n.status(t) })
	t.Run("Report", func(t *testing.T) { n.report(t, k.With(t)) })
	t.Run("Metrics", func(t *testing.T) { n.metrics(t, before, collect(t, state)) })
	t.Run("Stale", func(t *testing.T) { n.stale(t, state) })
}

func populate(t *testing.T, k *bed.CRI, d *bed.Docker) *population {
	t.Helper()
	n := &population{}
	probing := []string{"sh", "-c", "/probe net; exec sleep 300"}
	start := func(p *bed.Pod, change func(*cri.ContainerConfig)) string {
		id := p.MustStart("w", change, probing...)
		logged(t, p, "w") // it has tried the metadata endpoints
		return id
	}
	shop, trial := k.MustPod("runclad", in("shop")), k.MustPod("runclad", in("trial"))
	agents, asks := nodeAgent(k)
	n.pods = []string{shop.ID, trial.ID, agents.ID}
	n.web, n.audited, n.agent = start(shop, nil), start(trial, nil), start(agents, asks)
	n.bare = k.MustPod("runc", in("shop"))
	n.plain = start(n.bare, nil)
	if _, err := shop.Start("socket", func(c *cri.ContainerConfig) {
		c.Mounts = []*cri.Mount{{HostPath: dockerSock(t), ContainerPath: "/var/run/docker.sock"}}
	}, "true"); err == nil {
		t.Fatal("an engine's socket was not refused")
	}

	up := func(runtime, name string, more ...string) string {
		args := append([]string{"run", "-d", "--runtime", runtime, "--name", name}, more...)
		id := strings.TrimSpace(d.Must(append(args, bed.Image, "sleep", "300")...).Stdout)
		t.Cleanup(func() { d.Run("rm", "-f", id) })
		return id
	}
	n.clad, n.legacy = up("runclad", "clad", "-e", "DB_PASSWORD=hunter2"), up("runclad", "legacy-seen")
	n.open = up("plain", "open")
	d.Must("tag", bed.Image, "coolminer:1")
	if r := d.Run("run", "--rm", "--runtime", "runclad", "coolminer:1", "true"); r.Code != 125 {
		t.Fatalf("not refused: %v", r)
	}
	return n
}

func (n *population) status(t *testing.T) {
	var s status.Status
	bed.CtlJSON(t, &s, "status")
	if !s.PolicyOK || len(s.Doubts) > 0 {
		t.Errorf("%+v", s)
	}
	row := func(id string) *status.Row {
		t.Helper()
		i := slices.IndexFunc(s.Containers, func(r status.Row) bool { return r.ID == id })
		if i < 0 {
			t.Fatalf("no row for %s: %+v", id, s)
		}
		if r := &s.Containers[i]; r.State != "running" || r.UID == nil || r.Stale || len(r.Doubts) > 0 {
			t.Errorf("%+v", r)
		}
		return &s.Containers[i]
	}
	for _, want := range []struct {
		id, engine, namespace, profile, mode, rule string
		exemptions                                 []string // beginnings of some
		blocked                                    bool
	}{
		{n.web, "cri", "shop", "default", "enforce", "", nil, true},
		{n.pods[0], "cri", "shop", "default", "enforce", "pauses", nil, true},
		{n.audited, "cri", "trial", "default", "audit", "trial", nil, false},
		{n.pods[1], "cri", "trial", "default", "audit", "trial", nil, false},
		{n.agent, "cri", "kube-system", "system", "enforce", "node agents", []string{"host_network", "capabilities", "identity"}, false},
		{n.clad, "docker", "", "default", "enforce", "", nil, true},
		{n.legacy, "docker", "", "baseline", "enforce", "legacy", []string{"identity"}, true},
	} {
		r := row(want.id)
		if r.Bypasses || r.Engine != want.engine || r.Namespace != want.namespace || r.Profile != want.profile || r.Mode != want.mode || r.Rule != want.rule {
			t.Errorf("%+v, want %+v", r, want)
		}
		for _, e := range want.exemptions {
			if !slices.ContainsFunc(r.Exemptions, func(have string) bool { return strings.HasPrefix(have, e) }) {
				t.Errorf("%s: no exemption %s in %q", want.rule, e, r.Exemptions)
			}
		}
		if want.exemptions == nil && len(r.Exemptions) > 0 {
			t.Errorf("%s has exemptions: %q", want.id, r.Exemptions)
		}
		// On the host's network, nothing is looked for in the host's own.
		if r.MetadataBlocked == nil || *r.MetadataBlocked != want.blocked {
			t.Errorf("the metadata block of %+v stands, want %v", r, want.blocked)
		}
	}
	if r := row(n.web); r.MetadataHits == 0 || len(r.Hits) == 0 || *r.UID != *r.RecordedUID {
		t.Errorf("blocked attempts are not shown: %+v", r)
	}
	if r := row(n.audited); *r.UID != 0 || r.MetadataHits != 0 {
		t.Errorf("an audited container is not as it was asked for: %+v", r)
	}
	for _, id := range []string{n.plain, n.bare.ID, n.open} {
		if r := row(id); !r.Bypasses || r.Profile != "" || *r.UID != 0 {
			t.Errorf("a container without runclad: %+v", r)
		}
	}
	if r := row(n.open); r.DockerRuntime != "plain" {
		t.Errorf("%+v", r)
	}
	// The agent and its pause container, and the legacy one.
	if want := (status.Summary{Running: 11, Hardened: 6, Audited: 2, Exempted: 3, Bypassing: 3}); s.Summary != want {
		t.Errorf("%+v, want %+v", s.Summary, want)
	}
	text := bed.Ctl(t, "status")
	for _, want := range []string{
		"BYPASSES RUNCLAD", "(Docker's runtime plain)", "3 containers without runclad", "6 hardened, 2 audited only, 0 handed off, 3 with exemptions",
		"default (audit)", "node agents", "exempted by rule node agents, profile system, 2 containers:", "  host_network: ",
	} {
		if text.Code != 0 || !strings.Contains(text.Stdout, want) {
			t.Errorf("no %q: %v", want, text)
		}
	}
}

// report holds what the report says of the containers against what a process in
// them sees, which it has no part in.
func (n *population) report(t *testing.T, k *bed.CRI) {
	var r report.Report
	bed.CtlJSON(t, &r, "report")
	judged := func(id string) *report.Container {
		t.Helper()
		i := slices.IndexFunc(r.Containers, func(c report.Container) bool { return c.ID == id })
		if i < 0 {
			t.Fatalf("%s is not judged: %+v", id, r)
		}
		if c := &r.Containers[i]; len(c.Disagreements) > 0 || len(c.Doubts) > 0 {
			t.Errorf("%s: disagreements %q, doubts %q", c.Label(), c.Disagreements, c.Doubts)
		}
		return &r.Containers[i]
	}
	verdict := func(c *report.Container, clause string) report.Finding {
		t.Helper()
		i := slices.IndexFunc(c.Findings, func(f report.Finding) bool { return f.Standard+" "+f.Clause == clause })
		if i < 0 {
			t.Fatalf("no %s of %s", clause, c.Label())
		}
		return c.Findings[i]
	}
	met := map[bool]report.Verdict{true: report.Met, false: report.NotMet}
	for _, id := range []string{n.web, n.audited, n.agent, n.plain} {
		c := judged(id)
		p := bed.Report(t, k.Exec(id, "/probe"))
		if c.UID == nil || int(*c.UID) != p.UID {
			t.Errorf("%s: the report says UID %v, the container %d", c.Label(), c.UID, p.UID)
		}
		for clause, is := range map[string]bool{
			"CIS 5.4": !holds(p), "PSS restricted: capabilities": !holds(p),
			"CIS 5.13": p.Writes["/"] == "EROFS", "NSA 1.1": p.Writes["/"] == "EROFS",
			"CIS 5.22": p.Seccomp == 2, "PSS restricted: seccomp": p.Seccomp == 2,
			"CIS 5.26": p.NoNewPrivs == 1, "NSA 1.7": p.NoNewPrivs == 1,
			"PSS restricted: non-root": p.UID != 0, "NSA 1.0": p.UID != 0,
			"NSA 1.6":  p.GID != 0 && !slices.Contains(p.Groups, 0),
			"CIS 5.19": p.CoreHard == 0,
		} {
			if f := verdict(c, clause); f.Verdict != met[is] {
				t.Errorf("%s of %s: %s (%s), and the container says %v", clause, c.Label(), f.Verdict, f.Evidence, is)
			}
		}
	}
	for _, want := range []struct {
		id, clause string
		verdict    report.Verdict
		evidence   string
	}{
		{n.web, "NIST 4.4.2", report.Met, "the metadata block stands, and refused"},
		{n.web, "NIST 4.4.5", report.Met, "hardened at"},
		{n.web, "NIST 4.1.4", report.Met, ""},
		{n.web, "NIST 4.1.5", report.NotMet, "the profile default lists no images"},
		{n.pods[0], "NIST 4.1.5", report.NotApplicable, "pause"},
		{n.audited, "CIS 5.13", report.NotMet, "rw"},
		{n.audited, "NSA 1.0", report.NotMet, "UID 0"},
		{n.audited, "NIST 4.4.2", report.NotMet, "no metadata block"},
		{n.audited, "NIST 4.4.5", report.Met, "audited at"},
		{n.agent, "CIS 5.10", report.NotMet, "the net namespace is the host's"},
		{n.agent, "CIS 5.5", report.NotMet, ""},
		{n.agent, "NIST 4.4.2", report.NotMet, "the network is the host's"},
		{n.clad, "NIST 4.1.4", report.NotMet, "has DB_PASSWORD"},
		{n.plain, "NIST 4.4.5", report.NotMet, "without runclad"},
		{n.open, "NIST 4.4.5", report.NotMet, "without runclad"},
	} {
		if f := verdict(judged(want.id), want.clause); f.Verdict != want.verdict || !strings.Contains(f.Evidence, want.evidence) {
			t.Errorf("%s of %s: %s (%s), want %s (%s)", want.clause, want.id, f.Verdict, f.Evidence, want.verdict, want.evidence)
		}
	}
	for _, f := range judged(n.web).Findings {
		beyond := slices.Contains([]string{"CIS 5.11", "CIS 5.12", "NIST 4.1.5"}, f.Standard+" "+f.Clause) // limits and lists that nobody has set
		if (f.Verdict == report.NotMet || f.Verdict == report.CannotTell) && !beyond {
			t.Errorf("%s %s of a hardened container: %s (%s)", f.Standard, f.Clause, f.Verdict, f.Evidence)
		}
	}
	if c := judged(n.agent); c.Rule != "node agents" || len(c.Exemptions) < 5 {
		t.Errorf("%+v", c)
	}
	if c := judged(n.audited); c.Mode != "audit" {
		t.Errorf("%+v", c)
	}
	if r.Bypassing != 3 || r.Disagreeing != 0 || r.Exempted != 3 || len(r.NotJudged) > 0 {
		t.Errorf("%d bypassing, %d disagreeing, %d exempted, not judged: %+v", r.Bypassing, r.Disagreeing, r.Exempted, r.NotJudged)
	}
	for control, reason := range map[string]string{"host-paths": "an engine's socket", "rules": "not on our nodes"} {
		if !slices.ContainsFunc(r.Log.Refusals, func(f report.Refusal) bool {
			return f.Control == control && f.Count > 0 && strings.Contains(f.Reason, reason)
		}) {
			t.Errorf("no refusal by %s with %q in %+v", control, reason, r.Log.Refusals)
		}
	}
	page := filepath.Join(bed.Dir(t, "report"), "report.html")
	if r := bed.Ctl(t, "report", "--html", page); r.Code != 0 {
		t.Error(r)
	}
	html, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(html), "node agents") || strings.Contains(string(html), "hunter2") {
		t.Errorf("%v: %s", err, html)
	}
}

// holds reports whether a process has a capability in any set.
func holds(p *probed.Report) bool {
	for _, set := range p.Caps {
		if set != noCapabilities {
			return true
		}
	}
	return false
}

// collect makes metrics, by their name and the values of their labels.
func collect(t *testing.T, state string) map[string]float64 {
	t.Helper()
	var families []metrics.Family
	bed.CtlJSON(t, &families, "metrics", "--state", state)
	out := map[string]float64{}
	for _, f := range families {
		for _, s := range f.Samples {
			out[strings.Join(append([]string{f.Name}, s.Labels...), " ")] = s.Value
		}
	}
	return out
}

func (n *population) metrics(t *testing.T, before, after map[string]float64) {
	var s status.Status
	bed.CtlJSON(t, &s, "status")
	exemptions := 0
	for _, r := range s.Containers {
		exemptions += len(r.Exemptions)
	}
	for key, want := range map[string]float64{
		"runclad_decisions_total create refused cri default":      1,
		"runclad_decisions_total create audited cri default":      2,
		"runclad_decisions_total create hardened cri default":     2,
		"runclad_decisions_total create hardened cri system":      2,
		"runclad_decisions_total create hardened docker default":  1,
		"runclad_decisions_total create hardened docker baseline": 1,
		"runclad_refusals_total host-paths":                       1,
		"runclad_refusals_total rules":                            1,
		"runclad_containers cri default enforce":                  2,
		"runclad_containers cri default audit":                    2,
		"runclad_containers cri system enforce":                   2,
		"runclad_containers docker default enforce":               1,
		"runclad_containers docker baseline enforce":              1,
		"runclad_bypassing_containers":                            3,
		"runclad_audit_mode_containers":                           2,
		"runclad_exempted_containers":                             3,
		"runclad_exemptions":                                      float64(exemptions),
		"runclad_stale_policy_containers":                         0,
		"runclad_unblocked_containers":                            0,
	} {
		if got := after[key] - before[key]; got != want {
			t.Errorf("%s grew by %v to %v, want %v", key, got, after[key], want)
		}
	}
	if after["runclad_policy_load_success"] != 1 || after["runclad_collection_errors"] != 0 || exemptions == 0 {
		t.Errorf("%v", after)
	}
	hits := func(m map[string]float64) (sum float64) {
		for key, v := range m {
			if strings.HasPrefix(key, "runclad_metadata_blocked_packets_total ") {
				sum += v
			}
		}
		return sum
	}
	if hits(after) <= hits(before) {
		t.Errorf("blocked metadata attempts are not counted: %v", after)
	}
}

// stale edits the policy: what was made under the one before is said to be so,
// until it is back.
func (n *population) stale(t *testing.T, state string) {
	recorded := []string{n.web, n.audited, n.agent, n.clad, n.legacy}
	recorded = append(recorded, n.pods...)
	check := func(want bool) {
		t.Helper()
		var s status.Status
		bed.CtlJSON(t, &s, "status")
		sum := 0
		for _, r := range s.Containers {
			if is := want && slices.Contains(recorded, r.ID); r.Stale != is {
				t.Errorf("stale: %v, want %v: %+v", r.Stale, is, r)
			}
			if r.Stale {
				sum++
			}
		}
		if text := bed.Ctl(t, "status").Stdout; strings.Contains(text, "older policy") != want || strings.Contains(text, strconv.Itoa(len(recorded))+" containers made under another policy") != want {
			t.Errorf("%s", text)
		}
		if got := collect(t, state)["runclad_stale_policy_containers"]; s.Summary.Stale != sum || got != float64(sum) || (sum == len(recorded)) != want {
			t.Errorf("%d stale, %d in sum, %v in the metrics", sum, s.Summary.Stale, got)
		}
	}
	check(false)
	replaceFile(t, bed.PolicyFile, nodePolicy[bed.PolicyFile]+"\n[profile.later]\npids_limit = 77\n")
	t.Cleanup(func() { replaceFile(t, bed.PolicyFile, nodePolicy[bed.PolicyFile]) })
	check(true)
	replaceFile(t, bed.PolicyFile, nodePolicy[bed.PolicyFile])
	check(false)
}
