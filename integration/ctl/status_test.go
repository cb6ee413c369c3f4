// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"strings"
	"testing"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/internal/ctl/status"
)

func find(t *testing.T, s *status.Status, id string) *status.Row {
	t.Helper()
	for i := range s.Containers {
		if strings.HasPrefix(s.Containers[i].ID, id) {
			return &s.Containers[i]
		}
	}
	t.Fatalf("no row for %s: %+v", id, s)
	return nil
}

// Each runtime: one container through runclad, one without it, in one state root.
func TestStatusOfEachRuntime(t *testing.T) {
	bed.Metadata(t)
	for _, rt := range bed.Runtimes(t) {
		t.Run(rt.Name, func(t *testing.T) {
			bed.Use(t, rt)
			clad := container(t, bed.Shim(t), rt, nil)
			plain := container(t, rt.Path, rt, nil)
			bed.Report(t, clad.Exec(nil, "/probe", "net"))
			var s status.Status
			bed.CtlJSON(t, &s, "status")
			r := find(t, &s, clad.ID)
			if r.Bypasses || r.State != "running" || r.UID == nil || *r.UID != *r.RecordedUID || *r.UID < 2001000000 || r.Seccomp != "filter" ||
				r.MetadataBlocked == nil || !*r.MetadataBlocked || r.MetadataHits == 0 || len(r.Hits) == 0 || r.Profile != "default" || r.Mode != "enforce" || r.Stale {
				t.Errorf("hardened: %+v", r)
			}
			r = find(t, &s, plain.ID)
			if !r.Bypasses || r.State != "running" || r.UID == nil || *r.UID != 0 || r.MetadataBlocked == nil || *r.MetadataBlocked || len(r.Doubts) > 0 {
				t.Errorf("plain: %+v", r)
			}
			if s.Summary.Running != 2 || s.Summary.Hardened != 1 || s.Summary.Bypassing != 1 || len(s.Doubts) > 0 {
				t.Errorf("summary: %+v %q", s.Summary, s.Doubts)
			}
			text := bed.Ctl(t, "status")
			if text.Code != 0 || !strings.Contains(text.Stdout, "BYPASSES RUNCLAD") || !strings.Contains(text.Stdout, "1 container without runclad") {
				t.Errorf("%v", text)
			}
			bed.Policy(t, "host_ipc = true")
			bed.CtlJSON(t, &s, "status")
			if r := find(t, &s, clad.ID); !r.Stale {
				t.Errorf("not stale after a new policy: %+v", r)
			}
			clad.Must("kill", clad.ID, "KILL")
			clad.Must("delete", "--force", clad.ID)
			bed.CtlJSON(t, &s, "status")
			if len(s.Containers) != 1 {
				t.Errorf("a container that is gone is shown: %+v", s.Containers)
			}
		})
	}
}
