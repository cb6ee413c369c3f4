// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/internal/ctl/doctor"
	"github.com/runclad/runclad/internal/ctl/report"
	"github.com/runclad/runclad/internal/ctl/status"
)

// Pods of a kubelet, with runclad's handler and without: the pause container and
// the workloads are told apart, and share what a pod shares.
func TestPods(t *testing.T) {
	bed.Metadata(t)
	k := bed.Containerd2(t).CRI()
	clad := k.MustPod("runclad", nil)
	app := clad.MustStart("app", nil, "sleep", "300")
	side := clad.MustStart("side", nil, "sleep", "300")
	open := k.MustPod("runc", nil)
	plain := open.MustStart("app", nil, "sleep", "300")
	k.Exec(app, "/probe", "net")

	var s status.Status
	bed.CtlJSON(t, &s, "status")
	if len(s.Doubts) > 0 {
		t.Errorf("%q", s.Doubts)
	}
	a, b, pause := find(t, &s, app), find(t, &s, side), find(t, &s, clad.ID)
	for _, r := range []*status.Row{a, b, pause} {
		if r.Bypasses || r.Engine != "cri" || r.Namespace != "default" || r.Pod != clad.Config.GetMetadata().GetName() || r.UID == nil || *r.UID != *pause.UID || len(r.Doubts) > 0 {
			t.Errorf("%+v", r)
		}
		if r.MetadataHits == 0 || r.MetadataHits != pause.MetadataHits {
			t.Errorf("containers of a pod share a network and its counters: %d, %d", r.MetadataHits, pause.MetadataHits)
		}
	}
	if a.Name != "app" || b.Name != "side" || a.Image != bed.FullImage {
		t.Errorf("%+v %+v", a, b)
	}
	for _, id := range []string{open.ID, plain} {
		if r := find(t, &s, id); !r.Bypasses || r.Engine != "cri" || r.Pod != open.Config.GetMetadata().GetName() {
			t.Errorf("%+v", r)
		}
	}

	var rep report.Report
	bed.CtlJSON(t, &rep, "report")
	for _, id := range []string{app, side, clad.ID} {
		c := judged(t, &rep, id)
		if open := beyond(c); len(open) > 0 || len(c.Disagreements) > 0 {
			t.Errorf("%s: not met or cannot be told: %q, disagreements: %q", c.Label(), open, c.Disagreements)
		}
	}
	if c := judged(t, &rep, plain); !c.Bypasses || c.Counts[report.NotMet] < 8 {
		t.Errorf("%q", verdicts(c, report.Met))
	}

	var d doctor.Report
	bed.CtlJSON(t, &d, "doctor")
	found := false
	for _, f := range d.Findings {
		if f.Area == "containerd" && f.Check == "handlers" {
			found = true
			if f.Verdict != doctor.OK || !strings.Contains(f.Text, "runclad") {
				t.Errorf("%+v", f)
			}
		}
	}
	if !found {
		t.Errorf("nothing of containerd's handlers: %+v", d.Findings)
	}
}

// Podman has no daemon: its containers are found by the runtime's state.
func TestPodman(t *testing.T) {
	p := bed.NewPodman(t)
	clad := strings.TrimSpace(p.Must("--runtime", "runclad", "run", "-d", bed.Image, "sleep", "300").Stdout)
	plain := strings.TrimSpace(p.Must("--runtime", "plain", "run", "-d", bed.Image, "sleep", "300").Stdout)
	var s status.Status
	bed.CtlJSON(t, &s, "status")
	if r := find(t, &s, clad); r.Bypasses || r.Engine != "podman" || r.UID == nil || *r.UID != *r.RecordedUID || len(r.Doubts) > 0 {
		t.Errorf("%+v", r)
	}
	if r := find(t, &s, plain); !r.Bypasses || r.Engine != "podman" {
		t.Errorf("%+v", r)
	}
	var rep report.Report
	bed.CtlJSON(t, &rep, "report")
	c := judged(t, &rep, clad)
	if open := beyond(c); len(open) > 0 {
		t.Errorf("not met or cannot be told: %q", open)
	}
}

// A runtime's state where nobody looks does not hide a container: its process has
// an engine's monitor.
func TestStateElsewhere(t *testing.T) {
	c := bed.Containerd2(t)
	id := bed.ID()
	t.Cleanup(func() { c.Remove(id) })
	odd := bed.Dir(t, "odd-root")
	if r := c.CtrRun(true, id, []string{"--detach", "--runc-root", odd}, "sleep", "300"); r.Code != 0 {
		t.Fatal(r)
	}
	if found, _ := filepath.Glob(odd + "/*/*/state.json"); len(found) != 1 {
		t.Fatalf("the state is not below %s: %q", odd, found)
	}
	var s status.Status
	bed.CtlJSON(t, &s, "status")
	if len(s.Containers) != 1 || s.Summary.Bypassing != 1 {
		t.Fatalf("%+v", s)
	}
	if r := &s.Containers[0]; !r.Bypasses || r.Engine != "containerd" || r.State != "running" || r.UID == nil || *r.UID != 0 {
		t.Errorf("%+v", r)
	}
}
