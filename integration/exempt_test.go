// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"strings"
	"testing"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/internal/control"
)

// dockerExempt goes the operator's way: a container is refused, it is exempted by
// its refusal, it starts, and only it; then the exemption goes.
func dockerExempt(t *testing.T, d *bed.Docker) {
	t.Cleanup(func() { _ = os.RemoveAll(control.PolicyDir) })
	run := func(name string, args ...string) bed.Result {
		return d.Run(append([]string{"run", "--rm", "--name", name, "--runtime", "runclad", "--pid", "host", "-v", "/etc/ssl:/host:ro", bed.Image}, args...)...)
	}
	if r := run("agent", "/probe"); r.Code == 0 || !strings.Contains(r.Stderr, "host_pid = true") {
		t.Fatalf("%v", r)
	}
	if r := ctl(t, "explain", "agent"); r.Code != 1 || !strings.Contains(r.Stdout, "was refused") || !strings.Contains(r.Stdout, `host_paths = ["/etc/ssl"]`) {
		t.Errorf("%v", r)
	}
	exempt := []string{"exempt", "agent", "--from-refusal", "agent", "--reason", "reads the host's processes", "--owner", "ops", "--for", "1d"}
	if r := ctl(t, append(exempt, "--dry-run")...); r.Code != 0 || !strings.Contains(r.Stdout, "+host_pid = true") {
		t.Errorf("%v", r)
	}
	if r := run("agent", "/probe"); r.Code == 0 {
		t.Errorf("a dry run was none: %v", r)
	}
	if r := ctl(t, exempt...); r.Code != 0 {
		t.Fatalf("%v", r)
	}
	hardened(t, bed.Report(t, run("agent", "/probe")))
	if r := run("another", "/probe"); r.Code == 0 {
		t.Errorf("another container is exempted too: %v", r)
	}
	if r := ctl(t, exempt...); r.Code == 0 {
		t.Errorf("it was written twice: %v", r)
	}
	if r := ctl(t, "exempt", "list"); !strings.Contains(r.Stdout, "reads the host's processes") {
		t.Errorf("%v", r)
	}
	if r := ctl(t, "exempt", "remove", "agent"); r.Code != 0 {
		t.Fatalf("%v", r)
	}
	if r := run("agent", "/probe"); r.Code == 0 {
		t.Errorf("the exemption was removed: %v", r)
	}
}
