// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/integration/report"
)

const noCapabilities = "0000000000000000"

// hardened checks all that holds for every process in a container of runclad's,
// with the built-in policy.
func hardened(t *testing.T, r *report.Report) {
	t.Helper()
	unprivileged(t, r)
	for _, d := range []string{"/", "/etc", "/usr", "/bin"} {
		if r.Writes[d] != "EROFS" {
			t.Errorf("write to %s: %s, want EROFS", d, r.Writes[d])
		}
	}
	for _, d := range []string{"/tmp", "/var/tmp", "/run", "/var/run", "/dev/shm"} {
		if r.Writes[d] != "ok" {
			t.Errorf("write to %s: %s", d, r.Writes[d])
		}
	}
	if opts := strings.Split(r.Mounts["/"], ","); !slices.Contains(opts, "ro") {
		t.Errorf("/ is mounted %v, not ro", opts)
	}
	for _, d := range []string{"/tmp", "/var/tmp", "/run", "/dev/shm"} {
		opts := strings.Split(r.Mounts[d], ",")
		for _, want := range []string{"noexec", "nosuid", "nodev"} {
			if !slices.Contains(opts, want) {
				t.Errorf("%s is mounted %q: no %s", d, r.Mounts[d], want)
			}
		}
		if d != "/dev/shm" && !strings.Contains(r.Mounts[d], "size=") {
			t.Errorf("%s is mounted %q: no size", d, r.Mounts[d])
		}
	}
}

// unprivileged checks the part of the promise that belongs to the process.
func unprivileged(t *testing.T, r *report.Report) {
	t.Helper()
	if r.UID <= 10000 || r.GID <= 10000 {
		t.Errorf("uid %d, gid %d: want both above 10000", r.UID, r.GID)
	}
	if r.EUID != r.UID || r.EGID != r.GID {
		t.Errorf("effective uid %d and gid %d are not the real %d and %d", r.EUID, r.EGID, r.UID, r.GID)
	}
	if slices.Contains(r.Groups, 0) {
		t.Errorf("groups %v hold the root group", r.Groups)
	}
	if len(r.Caps) != 5 {
		t.Errorf("capability sets %v, want five", r.Caps)
	}
	for set, caps := range r.Caps {
		if caps != noCapabilities {
			t.Errorf("Cap%s is %s", set, caps)
		}
	}
	if r.NoNewPrivs != 1 {
		t.Error("no_new_privs is not set")
	}
	if r.Seccomp != 2 {
		t.Errorf("seccomp mode %d, want 2 (filter)", r.Seccomp)
	}
	if r.User == "" || r.Group == "" {
		t.Errorf("uid %d is %q in /etc/passwd, gid %d is %q in /etc/group: want names", r.UID, r.User, r.GID, r.Group)
	}
	if r.Home == "" {
		t.Error("HOME is not set")
	}
	if r.CoreSoft != 0 || r.CoreHard != 0 {
		t.Errorf("RLIMIT_CORE is %d, and at most %d", r.CoreSoft, r.CoreHard)
	}
}

// blocked checks that no attempt on a metadata endpoint got an answer, that
// each knew so at once, and that DNS on the same address answers.
func blocked(t *testing.T, r *report.Report) {
	t.Helper()
	if len(r.Reach) != len(report.Attempts) {
		t.Fatalf("%d attempts reported, want %d", len(r.Reach), len(report.Attempts))
	}
	for name, got := range r.Reach {
		if strings.HasPrefix(name, "dns-") {
			if !strings.Contains(got.Result, bed.DNSAnswer) {
				t.Errorf("%s: %q, want an answer: DNS is not to be blocked", name, got.Result)
			}
			continue
		}
		if strings.Contains(got.Result, bed.MetadataAnswer) || got.Result == "timeout" || got.Result == "" {
			t.Errorf("%s: %q, want an error", name, got.Result)
		}
		if got.Millis > 500 {
			t.Errorf("%s: took %d ms to be refused (%s)", name, got.Millis, got.Result)
		}
	}
}

// reached checks that the attempts answer: the control of [blocked].
func reached(t *testing.T, r *report.Report) {
	t.Helper()
	for name, got := range r.Reach {
		if !strings.Contains(got.Result, bed.MetadataAnswer) && !strings.Contains(got.Result, bed.DNSAnswer) {
			t.Errorf("without runclad, %s: %q, want an answer", name, got.Result)
		}
	}
}

// sayNothingOf checks a refusal's text for the words from which Docker's CLI
// derives the exit codes 126 and 127.
func sayNothingOf(t *testing.T, text string) {
	t.Helper()
	for _, w := range []string{"permission denied", "not a directory", "no such file or directory", "executable file not found"} {
		if strings.Contains(strings.ToLower(text), w) {
			t.Errorf("the refusal %q says %q, which Docker reads as another kind of failure", text, w)
		}
	}
}

// auditLines reads the audit log: every line must be a JSON object.
func auditLines(t *testing.T) []map[string]any {
	t.Helper()
	b, err := os.ReadFile(bed.AuditFile)
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]any
	for line := range strings.Lines(string(b)) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("audit line %q: %v", line, err)
		}
		out = append(out, m)
	}
	return out
}
