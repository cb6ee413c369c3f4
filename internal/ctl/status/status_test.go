// SPDX-License-Identifier: Apache-2.0

package status

import (
	"bytes"
	"strings"
	"testing"
)

func TestPrint(t *testing.T) {
	uid, other, yes, no := uint32(2001000001), uint32(0), true, false
	s := &Status{
		PolicyErr: "policy: line 3",
		Containers: []Row{
			{ID: "0123456789abcdef", Engine: "docker", Name: "web", Image: "nginx\x1b[0m", State: "running", UID: &uid, RecordedUID: &uid, Profile: "default", Mode: "enforce", Seccomp: "filter", SeccompLevel: "default", MetadataBlocked: &yes, MetadataHits: 3, Metadata: "start"},
			{ID: "b", Engine: "cri", Namespace: "kube-system", Pod: "cni", Name: "agent", State: "running", UID: &other, RecordedUID: &uid, Profile: "system", Mode: "enforce", Rule: "cni", Exemptions: []string{"host_network: x"}, Seccomp: "filter", Stale: true, Metadata: "create", MetadataBlocked: &no},
			{ID: "c", Engine: "docker", State: "running", Bypasses: true, DockerRuntime: "runc", Seccomp: "off", MetadataBlocked: &no},
			{ID: "d", Engine: "cri", State: "running", Profile: "default", Mode: "audit", Doubts: []string{"mounts: EIO"}},
		},
	}
	for i := range s.Containers {
		s.Summary.count(&s.Containers[i])
	}
	if want := (Summary{Running: 4, Hardened: 2, Audited: 1, Exempted: 1, Bypassing: 1, Stale: 1}); s.Summary != want {
		t.Errorf("%+v", s.Summary)
	}
	var b bytes.Buffer
	if err := s.Print(&b); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	for _, want := range []string{
		`0123456789ab  docker  web`, `nginx\x1b[0m`, "blocked, 3 refused", "kube-system/cni/agent", "1 exemption, RUNS AS ANOTHER UID THAN RECORDED, METADATA BLOCK IS GONE, older policy",
		"BYPASSES RUNCLAD (Docker's runtime runc)", "default (audit)", "1 container without runclad", "exempted by rule cni, profile system, 1 container:\n  host_network: x\n",
		"creates are refused: policy: line 3", "d not read: mounts: EIO", "4 containers running: 2 hardened, 1 audited only, 0 handed off, 1 with exemptions",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "\x1b") {
		t.Error("an escape of an image's name reaches the terminal")
	}
}
