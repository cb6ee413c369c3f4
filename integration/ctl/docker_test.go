// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"slices"
	"strings"
	"testing"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/internal/ctl/doctor"
	"github.com/runclad/runclad/internal/ctl/report"
	"github.com/runclad/runclad/internal/ctl/status"
)

// Docker's containers, with and without runclad, by every command that looks at
// the node.
func TestDocker20(t *testing.T)      { dockerNode(t, bed.Docker20(t)) }
func TestDockerCurrent(t *testing.T) { dockerNode(t, bed.DockerCurrent(t)) }

func dockerNode(t *testing.T, d *bed.Docker) {
	bed.Metadata(t)
	clad := strings.TrimSpace(d.Must("run", "-d", "--name", "clad", "--runtime", "runclad", "-v", "data:/data", bed.Image, "sleep", "300").Stdout)
	plain := strings.TrimSpace(d.Must("run", "-d", "--name", "open", "--runtime", "plain", "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--pid", "host", "-v", "/etc:/host", bed.Image, "sleep", "300").Stdout)
	t.Cleanup(func() { d.Run("rm", "-f", clad, plain) })
	d.Must("exec", "clad", "true")
	if r := d.Run("run", "--rm", "--runtime", "runclad", "-v", "/etc:/host", bed.Image, "true"); r.Code == 0 {
		t.Errorf("not refused: %v", r)
	}

	var s status.Status
	bed.CtlJSON(t, &s, "status")
	if r := find(t, &s, clad); r.Bypasses || r.Engine != "docker" || r.Name != "clad" || r.Image != bed.Image || r.UID == nil || *r.UID != *r.RecordedUID || len(r.Doubts) > 0 {
		t.Errorf("%+v", r)
	}
	if r := find(t, &s, plain); !r.Bypasses || r.Engine != "docker" || r.Name != "open" || r.DockerRuntime != "plain" {
		t.Errorf("%+v", r)
	}

	var rep report.Report
	bed.CtlJSON(t, &rep, "report")
	c := judged(t, &rep, clad)
	if open := beyond(c); len(open) > 0 || len(c.Disagreements) > 0 {
		t.Errorf("not met or cannot be told: %q, disagreements: %q", open, c.Disagreements)
	}
	p := judged(t, &rep, plain)
	got := clauses(verdicts(p, report.NotMet))
	for _, want := range []string{"CIS 5.4", "CIS 5.6", "CIS 5.13", "CIS 5.16", "CIS 5.22", "CIS 5.24", "CIS 5.26", "NSA 1.3", "NIST 4.4.2", "NIST 4.4.5"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is met by an unconfined container: %q", want, verdicts(p, report.Met))
		}
	}
	if len(rep.Log.Refusals) == 0 || rep.Log.Refusals[0].Control != "host-paths" || rep.Log.Execs == 0 {
		t.Errorf("%+v", rep.Log)
	}

	var doc doctor.Report
	bed.CtlJSON(t, &doc, "doctor")
	want := map[string]doctor.Verdict{"docker runtimes": doctor.OK, "kernel nftables": doctor.OK, "runtime real runtime": doctor.OK, "docker BuildKit": doctor.Warning, "policy policy": doctor.OK}
	for _, f := range doc.Findings {
		if v, ok := want[f.Area+" "+f.Check]; ok && v != f.Verdict {
			t.Errorf("%+v, want %s", f, v)
		}
		delete(want, f.Area+" "+f.Check)
		if f.Area == "filesystems" && f.Verdict != doctor.OK {
			t.Errorf("%+v", f)
		}
	}
	if len(want) > 0 {
		t.Errorf("no findings for %v in %+v", want, doc.Findings)
	}
}
