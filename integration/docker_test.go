// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/integration/bed"
)

func TestDocker20(t *testing.T)      { dockerTests(t, bed.Docker20(t)) }
func TestDockerCurrent(t *testing.T) { dockerTests(t, bed.DockerCurrent(t)) }

// dockerTests is what holds with every dockerd. The engine is one for all: a
// start takes seconds.
func dockerTests(t *testing.T, d *bed.Docker) {
	bed.Metadata(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *bed.Docker)
	}{
		{"Control", dockerControl},
		{"Run", dockerRun},
		{"Exec", dockerExec},
		{"Privileged", dockerPrivileged},
		{"RootInUserns", dockerRootInUserns},
		{"Identity", dockerIdentity},
		{"ExitCodes", dockerExitCodes},
		{"Healthcheck", dockerHealthcheck},
		{"Socket", dockerSocket},
		{"Refusals", dockerRefusals},
		{"Allowed", dockerAllowed},
		{"Lifecycle", dockerLifecycle},
		{"Features", dockerFeatures},
		{"StopsWhateverHappens", dockerStops},
		{"Audit", dockerAudit},
		{"Exempt", dockerExempt},
		{"BreakGlass", dockerBreakGlass},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, d.With(t)) })
	}
}

// dockerControl shows that without runclad none of it is so.
func dockerControl(t *testing.T, d *bed.Docker) {
	r := d.Report("run", "--rm", "--runtime", "plain", bed.Image, "/probe", "net")
	if r.UID != 0 || r.Caps["Eff"] == noCapabilities || r.NoNewPrivs != 0 || r.Writes["/"] != "ok" {
		t.Errorf("the control is hardened already: %+v", r)
	}
	if !strings.Contains(r.Reach["tcp4"].Result, bed.MetadataAnswer) {
		t.Errorf("without runclad the metadata endpoint says %q", r.Reach["tcp4"].Result)
	}
}

func dockerRun(t *testing.T, d *bed.Docker) {
	r := d.Report("run", "--rm", "--runtime", "runclad", bed.Image, "/probe", "net")
	hardened(t, r)
	blocked(t, r)
}

func dockerExec(t *testing.T, d *bed.Docker) {
	up(t, d, "ex")
	init := d.Report("exec", "ex", "cat", "/tmp/report")
	hardened(t, init)
	blocked(t, init)
	for _, args := range [][]string{
		{"exec", "ex", "/probe", "net"},
		{"exec", "-u", "0", "ex", "/probe", "net"},
		{"exec", "--privileged", "ex", "/probe", "net"},
		{"exec", "-u", "0:0", "--privileged", "ex", "/probe", "net"},
	} {
		r := d.Report(args...)
		hardened(t, r)
		blocked(t, r)
		if r.UID != init.UID || r.GID != init.GID {
			t.Errorf("%v runs as %d:%d, init as %d:%d", args, r.UID, r.GID, init.UID, init.GID)
		}
	}
}

func dockerPrivileged(t *testing.T, d *bed.Docker) {
	for _, flags := range [][]string{
		{"--privileged"},
		{"--cap-add", "ALL"},
		{"--security-opt", "seccomp=unconfined"},
		{"--user", "0:0"},
		{"--uts", "host"},
		{"--tmpfs", "/tmp:exec,suid,dev"},
		{"--group-add", "0"},
	} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			args := append([]string{"run", "--rm", "--runtime", "runclad"}, flags...)
			hardened(t, d.With(t).Report(append(args, bed.Image, "/probe")...))
		})
	}
}

// dockerIdentity: each container another UID, found by name, with a HOME that
// can be written to.
func dockerIdentity(t *testing.T, d *bed.Docker) {
	seen := map[int]bool{}
	for range 5 {
		r := d.Report("run", "--rm", "--runtime", "runclad", bed.Image, "/probe")
		if seen[r.UID] {
			t.Errorf("UID %d came twice in a row", r.UID)
		}
		seen[r.UID] = true
		if r.HomeWrite != "ok" {
			t.Errorf("HOME=%s: write: %s", r.Home, r.HomeWrite)
		}
	}
	r := d.Must("run", "--rm", "--runtime", "runclad", bed.Image, "sh", "-c", "id -un && id -gn && whoami")
	if n := len(strings.Fields(r.Stdout)); n != 3 || strings.Contains(r.Output(), "unknown") {
		t.Errorf("id does not find the user: %v", r)
	}
}

func dockerExitCodes(t *testing.T, d *bed.Docker) {
	for _, c := range []struct {
		code int
		args []string
	}{
		{0, []string{"true"}},
		{7, []string{"sh", "-c", "exit 7"}},
		{127, []string{"there-is-no-such-program"}},
		{126, []string{"/etc"}},
		{137, []string{"sh", "-c", "kill -9 $$; sleep 5"}},
	} {
		args := append([]string{"run", "--rm", "--runtime", "runclad", bed.Image}, c.args...)
		plain := d.Run(append([]string{"run", "--rm", "--runtime", "plain", bed.Image}, c.args...)...)
		got := d.Run(args...)
		// PID 1 cannot kill itself; what counts is that both do the same.
		if got.Code != plain.Code {
			t.Errorf("%v: exit status %d, plain %d: %v", c.args, got.Code, plain.Code, got)
		}
	}
	up(t, d, "codes")
	for _, cmd := range []string{"exit 3", "exit 0"} {
		plainCode := map[string]int{"exit 3": 3, "exit 0": 0}[cmd]
		if got := d.Run("exec", "codes", "sh", "-c", cmd); got.Code != plainCode {
			t.Errorf("exec %s: %v", cmd, got)
		}
	}
	if got := d.Run("exec", "codes", "there-is-no-such-program"); got.Code != 126 && got.Code != 127 {
		t.Errorf("exec of a missing program: %v", got)
	}
}

func dockerHealthcheck(t *testing.T, d *bed.Docker) {
	d.Must("run", "-d", "--name", "healthy", "--runtime", "runclad",
		"--health-cmd", `test "$(id -u)" -gt 10000`, "--health-interval", "500ms", "--health-retries", "2", bed.Image)
	t.Cleanup(func() { d.Run("rm", "-f", "healthy") })
	var status string
	bed.Eventually(t, 20*time.Second, func() error {
		d.Inspect("healthy", "{{json .State.Health.Status}}", &status)
		return wantEqual(status, "healthy")
	})
}

func dockerLifecycle(t *testing.T, d *bed.Docker) {
	up(t, d, "life")
	before := d.Report("exec", "life", "/probe")
	d.Must("restart", "-t", "1", "life")
	bed.Eventually(t, 10*time.Second, func() error { return failure(d.Run("exec", "life", "true")) })
	after := d.Report("exec", "life", "/probe")
	hardened(t, after)
	if before.UID == 0 || after.UID == 0 {
		t.Errorf("UID %d before, %d after the restart", before.UID, after.UID)
	}
	d.Must("pause", "life")
	d.Must("unpause", "life")
	hardened(t, d.Report("exec", "life", "/probe"))
	if r := d.Must("top", "life"); !strings.Contains(r.Stdout, "sleep") {
		t.Errorf("top: %v", r)
	}
	d.Must("stats", "--no-stream", "life")
	d.Must("update", "--memory", "64m", "--memory-swap", "64m", "life")
	d.Must("stop", "-t", "1", "life")
	d.Must("start", "life")
	hardened(t, d.Report("exec", "life", "/probe"))
	d.Must("kill", "life")
	d.Must("rm", "life")
}

func dockerAudit(t *testing.T, d *bed.Docker) {
	n := len(auditLines(t))
	d.Must("run", "--rm", "--runtime", "runclad", bed.Image, "true")
	if got := auditLines(t); len(got) <= n {
		t.Errorf("a run left no audit line (%d before, %d after)", n, len(got))
	}
}

// up starts a container that writes its report to /tmp/report, and waits for it.
func up(t *testing.T, d *bed.Docker, name string) {
	t.Helper()
	d.Must("run", "-d", "--name", name, "--runtime", "runclad", bed.Image, "sh", "-c", "/probe net > /tmp/r && mv /tmp/r /tmp/report; exec sleep 300")
	t.Cleanup(func() { d.Run("rm", "-f", name) })
	bed.Eventually(t, 20*time.Second, func() error { return failure(d.Run("exec", name, "test", "-s", "/tmp/report")) })
}
