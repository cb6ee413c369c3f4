// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/ctl/node"
	"github.com/runclad/runclad/internal/metadata"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/spec"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// mounts parses lines of mountinfo.
func mounts(t *testing.T, lines string) []*mountinfo.Info {
	t.Helper()
	out, err := mountinfo.GetMountsFromReader(strings.NewReader(lines), nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const hostMounts = `20 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
21 20 0:20 / /proc rw shared:2 - proc proc rw
22 20 0:21 / /sys rw shared:3 - sysfs sysfs rw
23 20 0:22 / /run rw shared:4 - tmpfs tmpfs rw
24 20 0:30 / /sys/fs/cgroup rw shared:5 - cgroup2 cgroup2 rw
`

const hardenedMounts = `100 90 0:50 / / ro,relatime - overlay overlay rw,lowerdir=/l
101 100 0:51 / /proc rw,nosuid,nodev,noexec - proc proc rw
102 101 0:51 /sys /proc/sys ro - proc proc rw
103 101 0:52 /null /proc/kcore rw - tmpfs tmpfs rw
104 100 0:53 / /sys ro,nosuid - sysfs sysfs ro
105 104 0:54 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw
106 100 0:55 / /tmp rw,nosuid,nodev,noexec - tmpfs tmpfs rw
107 100 254:1 /srv/data /data rw,nosuid,nodev - ext4 /dev/vda1 rw
108 100 254:1 /var/lib/docker/containers/` + id64 + `/hosts /etc/hosts ro - ext4 /dev/vda1 rw
`

const plainMounts = `100 90 0:60 / / rw,relatime shared:9 - overlay overlay rw,lowerdir=/l
101 100 0:61 / /proc rw - proc proc rw
104 100 0:63 / /sys rw - sysfs sysfs rw
105 104 0:64 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
107 100 254:1 /etc /host/etc rw - ext4 /dev/vda1 rw
108 100 0:22 /docker.sock /var/run/docker.sock rw - tmpfs tmpfs rw
`

const id64 = "4f5e6d7c8b9a0123456789abcdef0123456789abcdef0123456789abcdef0123"

func process(pid int, name string, uid uint32, change func(*node.Status)) *node.Status {
	s := &node.Status{
		PID: pid, Name: name, UID: [4]uint32{uid, uid, uid, uid}, GID: [4]uint32{uid, uid, uid, uid},
		NoNewPrivs: true, Seccomp: 2, SeccompFilter: 1,
	}
	if change != nil {
		change(s)
	}
	return s
}

func root(s *node.Status) {
	const docker = 0xa80425fb
	s.UID, s.GID, s.NoNewPrivs, s.Seccomp = [4]uint32{}, [4]uint32{}, false, 0
	s.Permitted, s.Effective, s.Bounding = docker, docker, docker
}

func hardened(t *testing.T, id, name string, uid uint32) *Subject {
	t.Helper()
	doc, err := spec.ParseSpec([]byte(`{"ociVersion":"1.0.2","linux":{"sysctl":{"net.ipv4.ping_group_range":"0 2147483647"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]bool{"mnt": false, "pid": false, "net": false, "ipc": false, "uts": false, "user": true, "cgroup": false}
	return &Subject{
		Container: &node.Container{
			ID: id, Engine: "docker", Name: name, Image: "nginx:1.27", State: node.Running, Process: record.Process{PID: 4711, Start: 1},
			Cgroups: []string{"/sys/fs/cgroup/docker/" + id}, Spec: doc,
			Record:   &record.Record{ID: id, UID: uid, GID: uid, HostUID: uid, HostGID: uid, Block: record.BlockAtStart, Profile: "default"},
			Decision: node.Decision{Profile: "default", Mode: auditlog.Enforce},
			Line: &auditlog.Entry{
				Time: now.Add(-time.Hour), Decision: auditlog.Hardened, Verb: "create", Container: id, UID: uid,
				Changes: []auditlog.Change{{Control: "rootfs", Path: "root.readonly"}, {Control: "seccomp", Path: "linux.seccomp"}},
			},
		},
		Live: &node.Live{
			Processes: []*node.Status{process(4711, "nginx", uid, nil), process(4712, "nginx", uid, nil)},
			Shared:    own, Mounts: mounts(t, hardenedMounts), Host: mounts(t, hostMounts),
			Pids:    node.Limit{Known: true, Max: 4096, Text: "pids.max: 4096"},
			Memory:  node.Limit{Known: true, Max: 1 << 28, Text: "memory.max: 268435456"},
			CPU:     node.Limit{Known: true, Text: "cpu.max: max 100000"},
			Blocked: true, Hits: []metadata.Hit{{Addr: "169.254.169.254", Provider: "AWS", Packets: 3}}, Netns: "4:1",
			Doubts: map[string]error{},
		},
		Policy: node.Policy{Policy: &policy.Policy{Profiles: map[string]*policy.Profile{
			"default": {Name: "default", Images: []string{"docker.io/library/nginx:*"}}, "system": {Name: "system"},
		}}},
		Execs:  []*auditlog.Entry{{Time: now.Add(-time.Minute), Decision: auditlog.Hardened, Verb: "exec", UID: uid}},
		Masked: []string{"/proc/kcore"}, ReadOnly: []string{"/proc/sys"},
	}
}

// evidence is a node with one container of each kind, one of them with a name
// that is meant to become markup.
func evidence(t *testing.T) *Evidence {
	good := hardened(t, id64, "web", 2001000001)

	exempted := hardened(t, strings.Replace(id64, "4f", "5a", 1), "", 2001000002)
	c := exempted.Container
	c.Engine, c.Namespace, c.Pod, c.Name, c.Image = "cri", "kube-system", "cni-x7k2p", "agent", "registry.example/cni@sha256:0123"
	c.Rule, c.Exemptions, c.Profile = "cni", []string{"host_network: containers on the host's network reach the metadata endpoints and every local port", "capabilities: containers keep CAP_NET_ADMIN where their engine grants it"}, "system"
	c.Record.Capabilities, c.Record.Block = []string{"CAP_NET_ADMIN"}, record.BlockAllowed
	exempted.Live.Shared["net"], exempted.Live.Blocked, exempted.Live.Hits = true, false, nil
	for _, p := range exempted.Live.Processes {
		p.UID, p.GID = [4]uint32{2001000002, 2001000002, 2001000002, 2001000002}, [4]uint32{2001000002, 2001000002, 2001000002, 2001000002}
		p.Bounding, p.Effective, p.Permitted = 1<<12, 1<<12, 1<<12
	}

	plain := hardened(t, strings.Replace(id64, "4f", "6b", 1), `<script>alert("x")</script>`, 0)
	c = plain.Container
	c.Record, c.Line, c.Decision, c.Image = nil, nil, node.Decision{}, "evil\x1b[2J\u202eimage"
	plain.Live.Processes = []*node.Status{process(5000, "sh", 0, root)}
	plain.Live.Processes[0].Credentials = []string{"DB_PASSWORD", "GITHUB_TOKEN"}
	plain.Live.Mounts, plain.Live.Blocked, plain.Live.Hits = mounts(t, plainMounts), false, nil
	plain.Live.Pids, plain.Live.Memory = node.Limit{Known: true, Text: "pids.max: max"}, node.Limit{Known: true, Text: "memory.max: max"}
	plain.Live.CoreSoft, plain.Live.CoreHard = 1<<63, 1<<63
	plain.Live.Devices = []string{"/dev/kvm (10:232)"}
	plain.Execs = nil

	changed := hardened(t, strings.Replace(id64, "4f", "7c", 1), "billing", 2001000003)
	changed.Container.Image = "billing:7"
	changed.Live.Mounts = mounts(t, strings.Replace(hardenedMounts, "/ / ro,relatime", "/ / rw,relatime", 1))
	changed.Live.Processes = append(changed.Live.Processes, process(4999, "nsenter", 0, root))
	changed.Live.Doubts[node.PartDevices] = errors.New("open in the container /dev: EIO")

	return &Evidence{
		Node:  NodeFacts{Name: "node-7", Kernel: "6.12.0", Version: "1.0.0", Policy: "/etc/runclad/policy.toml", Loosens: []string{"profile default: host_ipc: containers may share System V IPC and POSIX queues with the host"}},
		Since: now.AddDate(0, 0, -7), Until: now,
		Subjects:   []*Subject{good, exempted, plain, changed},
		NotRunning: []NotJudged{{ID: "8d0000000000", Title: "job", Engine: "docker", State: node.Created, Reason: "the container does not run: it is created"}},
		Log: LogSummary{
			Decisions: map[string]int{"hardened": 41, "refused": 3}, Execs: 120,
			Refusals: []Refusal{
				{Control: "host-paths", Count: 2, Last: now.Add(-2 * time.Hour), Who: "ci/build-1/dind (9e0000000000)", Reason: "runclad refused create: the mount at /var/run/docker.sock binds /run/docker.sock of the host: an engine's socket gives root on the host (control host-paths; CIS 5.6 5.32, PSS baseline, NIST 4.4.3)"},
				{Control: "namespaces", Count: 1, Last: now.Add(-5 * time.Hour), Who: "debug (9f0000000000)", Reason: "runclad refused create: the pid namespace is the host's (control namespaces; CIS 5.16)"},
			},
		},
	}
}

func find(t *testing.T, r *Report, label, clause string) Finding {
	t.Helper()
	for _, c := range r.Containers {
		if c.Label() != label {
			continue
		}
		for _, f := range c.Findings {
			if f.Standard+" "+f.Clause == clause {
				return f
			}
		}
	}
	t.Fatalf("no %s of %s", clause, label)
	return Finding{}
}

func TestVerdicts(t *testing.T) {
	r := Judge(evidence(t))
	const plain, cni = `<script>alert("x")</script>`, "kube-system/cni-x7k2p/agent"
	for _, tt := range []struct {
		label, clause string
		want          Verdict
		evidence      string
	}{
		{"web", "CIS 5.4", Met, "2 processes: no capability in any set"},
		{"web", "CIS 5.6", Met, "2 mounts of the host, none of a sensitive place"},
		{"web", "CIS 5.12", NotMet, "cpu.max: max 100000"},
		{"web", "CIS 5.13", Met, "/ is mounted ro,relatime"},
		{"web", "CIS 5.2", NotApplicable, "AppArmor"},
		{"web", "CIS 5.24", Met, "1 hardened exec in the audit log"},
		{"web", "CIS 5.31", NotApplicable, "UID 2001000001"},
		{"web", "NIST 4.1.4", Met, "2 processes and config.json"},
		{"web", "NIST 4.1.5", Met, "the image nginx:1.27 is among those"},
		{"web", "NIST 4.4.2", Met, "refused 3 packets"},
		{"web", "NIST 4.4.3", Met, ""},
		{"web", "PSS baseline: sysctls", Met, "1 sysctl in config.json"},
		{cni, "CIS 5.4", NotMet, "has CAP_NET_ADMIN"},
		{cni, "CIS 5.10", NotMet, "the host's"},
		{cni, "NIST 4.1.5", NotMet, "the profile system lists no images"},
		{cni, "NIST 4.4.2", NotMet, "the network is the host's"},
		{cni, "PSS baseline: host namespaces", NotMet, "net namespace"},
		{plain, "CIS 5.4", NotMet, "CAP_CHOWN"},
		{plain, "CIS 5.5", NotMet, "/sys is writable"},
		{plain, "CIS 5.6", NotMet, "/etc at /host/etc: /etc is closed to containers"},
		{plain, "CIS 5.13", NotMet, "rw"},
		{plain, "CIS 5.18", NotMet, "/dev/kvm"},
		{plain, "CIS 5.19", NotMet, ""},
		{plain, "CIS 5.20", NotMet, "mounts that propagate to the host: /"},
		{plain, "CIS 5.22", NotMet, "process 5000 (sh) has no seccomp filter"},
		{plain, "CIS 5.24", NotMet, "UID 0"},
		{plain, "CIS 5.25", NotMet, "/sys/fs/cgroup is writable"},
		{plain, "CIS 5.29", NotMet, "pids.max: max"},
		{plain, "CIS 5.31", NotMet, "UID 0"},
		{plain, "CIS 5.32", NotMet, "/var/run/docker.sock"},
		{plain, "NSA 1.6", NotMet, "group 0"},
		{plain, "NIST 4.1.4", NotMet, "process 5000 (sh) has DB_PASSWORD GITHUB_TOKEN"},
		{plain, "NIST 4.1.5", NotMet, "without runclad"},
		{plain, "NIST 4.4.5", NotMet, "without runclad"},
		{plain, "PSS baseline: /proc", NotMet, "/proc/kcore is not masked"},
		{"billing", "CIS 5.18", CannotTell, "EIO"},
		{"billing", "NIST 4.1.5", NotMet, "the image billing:7 is not among those"},
		{"billing", "CIS 5.13", NotMet, ""},
		{"billing", "CIS 5.24", NotMet, "process 4999 (nsenter) runs as UID 0"},
	} {
		if f := find(t, r, tt.label, tt.clause); f.Verdict != tt.want || !strings.Contains(f.Evidence, tt.evidence) {
			t.Errorf("%s of %s: %s (%s), want %s (%s)", tt.clause, tt.label, f.Verdict, f.Evidence, tt.want, tt.evidence)
		}
	}
	if r.Bypassing != 1 || r.Disagreeing != 1 || r.Exempted != 1 {
		t.Errorf("bypassing %d, disagreeing %d, exempted %d", r.Bypassing, r.Disagreeing, r.Exempted)
	}
	if first := r.Containers[0]; first.Label() != "billing" || len(first.Disagreements) < 4 {
		t.Errorf("the container that disagrees does not come first: %s %q", first.Label(), first.Disagreements)
	}
}

// What could not be read never counts as met.
func TestNothingIsMetThatWasNotSeen(t *testing.T) {
	s := hardened(t, id64, "web", 2001000001)
	s.Live = &node.Live{Doubts: map[string]error{}}
	for _, part := range []string{node.PartProcesses, node.PartEnvironment, node.PartNamespaces, node.PartMounts, node.PartLimits, node.PartLabel, node.PartDevices, node.PartMetadata} {
		s.Live.Doubts[part] = errors.New("not readable")
	}
	s.Container.Spec, s.Container.Line = nil, nil
	s.Policy = node.Policy{Err: errors.New("not readable")}
	s.AppArmor, s.SELinux = true, true
	for _, f := range Judge(&Evidence{Subjects: []*Subject{s}, Until: now}).Containers[0].Findings {
		if f.Verdict != CannotTell && f.Clause != "4.4.5" {
			t.Errorf("%s %s: %s (%s)", f.Standard, f.Clause, f.Verdict, f.Evidence)
		}
	}
}

func TestDisagreements(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Subject)
		want   string
	}{
		"none":    {func(*Subject) {}, ""},
		"UID":     {func(s *Subject) { s.Live.Processes[1].UID[2] = 0 }, "the record says UID 2001000001, and process 4712 (nginx) runs as [2001000001 2001000001 0 2001000001]"},
		"group":   {func(s *Subject) { s.Live.Processes[0].GID[1] = 0 }, "the record says GID"},
		"caps":    {func(s *Subject) { s.Live.Processes[0].Ambient = 1 << 21 }, "has CAP_SYS_ADMIN too"},
		"block":   {func(s *Subject) { s.Live.Blocked = false }, "no block stands"},
		"rootfs":  {func(s *Subject) { s.mount("/").Options = "rw" }, "the audit log says that the root filesystem was made read-only, and it is not so"},
		"seccomp": {func(s *Subject) { s.Live.Processes[0].Seccomp = 0 }, "the audit log says that a seccomp filter was set"},
		"line":    {func(s *Subject) { s.Container.Line.UID = 7 }, "the audit log says UID 7"},
		"audit mode": {func(s *Subject) {
			s.Container.Mode, s.Container.Line.Decision = auditlog.Audit, auditlog.Audited
			s.Live.Processes[0].Seccomp, s.Live.Blocked = 0, false
		}, ""},
		"granted": {func(s *Subject) {
			s.Container.Record.Capabilities = []string{"CAP_SETUID"}
			s.Live.Processes[0].Bounding, s.Live.Processes[1].UID = 1<<7, [4]uint32{33, 33, 33, 33}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := hardened(t, id64, "web", 2001000001)
			tt.change(s)
			got := strings.Join(disagreements(s), "\n")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// What the kernel does not show of an image and an environment is not made up.
func TestImagesAndCredentials(t *testing.T) {
	doc, err := spec.ParseSpec([]byte(`{"ociVersion":"1.0.2","process":{"env":["PATH=/bin","DB_PASSWORD=hunter2"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(*Subject)
		ask    fact
		want   Verdict
		say    string
	}{
		"given and overwritten": {func(s *Subject) { s.Container.Spec = doc }, noCredentials, NotMet, "variables of config.json that look like credentials: DB_PASSWORD"},
		"no config.json":        {func(s *Subject) { s.Container.Spec = nil }, noCredentials, CannotTell, "config.json"},
		"no policy":             {func(s *Subject) { s.Policy = node.Policy{Err: errors.New("policy: broken")} }, listedImage, CannotTell, "broken"},
		"profile is gone":       {func(s *Subject) { s.Container.Profile = "old" }, listedImage, CannotTell, `no profile "old"`},
		"image not told":        {func(s *Subject) { s.Container.Image = "" }, listedImage, CannotTell, "does not tell"},
		"by digest": {func(s *Subject) {
			s.Policy.Profiles["default"].Images, s.Container.Line.ImageID = []string{"sha256:0123"}, "sha256:0123"
		}, listedImage, Met, "nginx:1.27"},
		"pause": {func(s *Subject) { s.Container.Sandbox = s.Container.ID }, listedImage, NotApplicable, "pause"},
	} {
		s := hardened(t, id64, "web", 2001000001)
		tt.change(s)
		a := tt.ask(s)
		if a.Verdict != tt.want || !strings.Contains(a.Evidence, tt.say) || strings.Contains(a.Evidence, "hunter2") {
			t.Errorf("%s: %+v, want %s (%s)", name, a, tt.want, tt.say)
		}
	}
}

// Every clause that a control names is judged, and every clause that is judged
// is known to serve or to be outside of the controls.
func TestClausesAreThoseOfTheControls(t *testing.T) {
	judged := map[string]bool{}
	for i := range Clauses {
		c := &Clauses[i]
		judged[c.Name()] = true
		outside := []string{"CIS 5.11", "CIS 5.12"} // limits that only an engine can choose
		if len(c.Controls()) == 0 != slices.Contains(outside, c.Name()) {
			t.Errorf("%s: controls %q", c.Name(), c.Controls())
		}
		if len(c.facts) == 0 {
			t.Errorf("%s asks nothing", c.Name())
		}
	}
	for _, k := range control.All {
		for _, part := range strings.Split(k.Standards, ", ") {
			standard, ids, _ := strings.Cut(part, " ")
			for id := range strings.FieldsSeq(ids) {
				if !judged[standard+" "+id] {
					t.Errorf("%s %s, which the control %s names, is not judged", standard, id, k.ID)
				}
			}
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; -update writes it anew. Got:\n%s", file, got)
	}
}

func TestGolden(t *testing.T) {
	r := Judge(evidence(t))
	var text, html bytes.Buffer
	if err := errors.Join(r.Print(&text), r.HTML(&html)); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", text.Bytes())
	golden(t, "report.html", html.Bytes())
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", append(data, '\n'))
}

// The page loads nothing, runs nothing, and shows names as text.
func TestThePageIsSelfContained(t *testing.T) {
	var b bytes.Buffer
	if err := Judge(evidence(t)).HTML(&b); err != nil {
		t.Fatal(err)
	}
	html := b.String()
	for _, re := range []string{`(?i)<script`, `(?i)\b(src|href|action|srcset)\s*=`, `(?i)url\(`, `(?i)@import`, `(?i)https?://`, `(?i)\son[a-z]+\s*=`, "\x1b", "\u202e"} {
		if m := regexp.MustCompile(re).FindString(html); m != "" {
			t.Errorf("the page has %q", m)
		}
	}
	if !strings.Contains(html, "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;") || !strings.Contains(html, `evil\x1b[2J\u202eimage`) {
		t.Error("the names are not shown as text")
	}
	if n := strings.Count(html, "<details"); n != 4 {
		t.Errorf("%d containers", n)
	}
}
