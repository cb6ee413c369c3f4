// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/integration/bed"
)

// TestContainerd is ctr with --runc-binary.
func TestContainerd(t *testing.T) {
	c := bed.Containerd2(t)
	t.Run("Control", func(t *testing.T) {
		c := c.With(t)
		r := c.Report(c.CtrRun(true, bed.ID(), []string{"--rm"}, "/probe"))
		if r.UID != 0 || r.Writes["/"] != "ok" {
			t.Errorf("the control is hardened already: %+v", r)
		}
	})
	t.Run("Run", func(t *testing.T) {
		c := c.With(t)
		hardened(t, c.Report(c.CtrRun(false, bed.ID(), []string{"--rm"}, "/probe")))
	})
	t.Run("Privileged", func(t *testing.T) {
		c := c.With(t)
		hardened(t, c.Report(c.CtrRun(false, bed.ID(), []string{"--rm", "--privileged"}, "/probe")))
	})
	t.Run("Exec", func(t *testing.T) { ctrExec(t, c.With(t)) })
	t.Run("Refused", func(t *testing.T) { ctrRefused(t, c.With(t)) })
}

func ctrExec(t *testing.T, c *bed.Containerd) {
	id := bed.ID()
	t.Cleanup(func() { c.Remove(id) })
	if r := c.CtrRun(false, id, []string{"--detach"}, "sleep", "300"); r.Code != 0 {
		t.Fatal(r)
	}
	first := c.Report(c.Task("exec", "--exec-id", "e1", id, "/probe"))
	hardened(t, first)
	second := c.Report(c.Task("exec", "--exec-id", "e2", "--user", "0:0", id, "/probe"))
	hardened(t, second)
	if first.UID != second.UID {
		t.Errorf("exec as %d, and with --user 0:0 as %d", first.UID, second.UID)
	}
	for _, args := range [][]string{{"pause", id}, {"resume", id}, {"metrics", id}, {"ps", id}, {"kill", "--signal", "KILL", id}} {
		if r := c.Task(args...); r.Code != 0 {
			t.Errorf("%v", r)
		}
	}
	bed.Eventually(t, 10*time.Second, func() error { return failure(c.Task("delete", id)) })
}

func ctrRefused(t *testing.T, c *bed.Containerd) {
	for _, flags := range [][]string{
		{"--mount", "type=bind,src=/etc,dst=/host,options=rbind:rw"},
		{"--net-host"},
	} {
		id := bed.ID()
		r := c.CtrRun(false, id, append([]string{"--rm"}, flags...), "true")
		c.Remove(id)
		if r.Code == 0 || !strings.Contains(r.Stderr, "runclad refused create") || !strings.Contains(r.Stderr, bed.PolicyFile) {
			t.Errorf("%v: %v", flags, r)
		}
		sayNothingOf(t, r.Stderr)
	}
}
