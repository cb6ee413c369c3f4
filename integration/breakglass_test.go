// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/internal/audit"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/runtime"
)

// ctl runs the operator's tool.
func ctl(t *testing.T, args ...string) bed.Result {
	t.Helper()
	return bed.Ctl(t, args...)
}

// lastLine is the last of the audit log.
func lastLine(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(runtime.AuditFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return lines[len(lines)-1]
}

// secret is a file that neither the container's user nor root without
// capabilities may read.
const secret = "/etc/secret"

func TestBreakGlass(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		rootfs := bed.Rootfs(t)
		file := filepath.Join(rootfs, secret)
		bed.Write(t, file, "the secret\n")
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(file, 1, 1); err != nil {
			t.Fatal(err)
		}
		c := bed.NewContainer(t, bed.Shim(t), rt, rootfs, specFor(t, bed.NetNS(t), "sleep", "300"))
		c.Up()
		other := bed.NewContainer(t, bed.Shim(t), rt, rootfs, specFor(t, bed.NetNS(t), "sleep", "300"))
		other.Up()
		glass(t, c.ID, func(id string, args ...string) bed.Result {
			if id == c.ID {
				return c.Exec(nil, args...)
			}
			return other.Exec(nil, args...)
		}, other.ID)
	})
}

// dockerBreakGlass reads the container's record by its name, and execs as an
// operator would.
func dockerBreakGlass(t *testing.T, d *bed.Docker) {
	d.Must("run", "--name", "make-secret", "--runtime", "plain", bed.Image, "sh", "-c",
		fmt.Sprintf("echo the secret >%[1]s; chmod 600 %[1]s; chown 1:1 %[1]s", secret))
	t.Cleanup(func() { d.Run("rm", "-f", "make-secret") })
	d.Must("commit", "make-secret", "secret:1")
	t.Cleanup(func() { d.Run("rmi", "-f", "secret:1") })
	for _, name := range []string{"glass", "other"} {
		d.Must("run", "-d", "--name", name, "--runtime", "runclad", "secret:1", "sleep", "300")
		t.Cleanup(func() { d.Run("rm", "-f", name) })
	}
	glass(t, "glass", func(name string, args ...string) bed.Result {
		return d.Run(append([]string{"exec", name}, args...)...)
	}, "other")
}

// glass breaks the glass of a container and looks through it.
func glass(t *testing.T, id string, exec func(id string, args ...string) bed.Result, other string) {
	t.Helper()
	uid := func(id string) string {
		t.Helper()
		r := exec(id, "id", "-u")
		if r.Code != 0 {
			t.Fatalf("%v", r)
		}
		return strings.TrimSpace(r.Stdout)
	}
	closed := func(id, when string) {
		t.Helper()
		if uid(id) == "0" {
			t.Errorf("%s: exec runs as root", when)
		}
		if r := exec(id, "cat", secret); r.Code == 0 {
			t.Errorf("%s: %v", when, r)
		}
	}
	closed(id, "before")

	const reason = "INC-4711: read the secret"
	r := ctl(t, "break-glass", id, "--for", "10m", "--reason", reason, "--user", "0")
	if r.Code != 0 || uid(id) != "0" {
		t.Fatalf("%v", r)
	}
	if r := exec(id, "cat", secret); r.Code == 0 {
		t.Errorf("root without a capability reads another's file: %v", r)
	}
	r = ctl(t, "break-glass", id, "--for", "10m", "--reason", reason, "--user", "0", "--capability", "dac_read_search")
	if r.Code != 0 || !strings.Contains(r.Stdout, "runs as user 0:0 with CAP_DAC_READ_SEARCH") {
		t.Fatalf("%v", r)
	}
	if r := exec(id, "cat", secret); r.Code != 0 || !strings.Contains(r.Stdout, "the secret") {
		t.Errorf("%v", r)
	}
	line := lastLine(t)
	for _, want := range []string{`"decision":"` + audit.BreakGlass + `"`, `"verb":"exec"`, reason, "granted by "} {
		if !strings.Contains(line, want) {
			t.Errorf("the audit line lacks %s: %s", want, line)
		}
	}
	// The rest of the hardening stays.
	status := exec(id, "cat", "/proc/self/status").Stdout
	for _, want := range []string{"NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000004", "CapEff:\t0000000000000004"} {
		if !strings.Contains(status, want) {
			t.Errorf("under the grant %q is missing: %s", want, status)
		}
	}
	if r := exec(id, "touch", "/bin/x"); r.Code == 0 {
		t.Errorf("the root filesystem is writable: %v", r)
	}
	closed(other, "another container")
	if r := ctl(t, "break-glass", "list"); r.Code != 0 || !strings.Contains(r.Stdout, reason) {
		t.Errorf("%v", r)
	}

	// It ends when it is told to, and by itself.
	if r := ctl(t, "break-glass", "--end", id); r.Code != 0 {
		t.Fatalf("%v", r)
	}
	closed(id, "after its end")
	if r := ctl(t, "break-glass", id, "--for", "1s", "--reason", reason, "--user", "0"); r.Code != 0 {
		t.Fatalf("%v", r)
	}
	bed.Eventually(t, 60*time.Second, func() error {
		if got := uid(id); got == "0" {
			return fmt.Errorf("exec still runs as root")
		}
		return nil
	})
	closed(id, "after its time")
	if line := lastLine(t); !strings.Contains(line, "the break-glass grant is over: it ended at") || strings.Contains(line, `"decision":"break-glass"`) {
		t.Errorf("the audit line says nothing of it: %s", line)
	}

	// What others could have written is obeyed by nobody.
	if r := ctl(t, "break-glass", id, "--for", "10m", "--reason", reason, "--user", "0"); r.Code != 0 {
		t.Fatalf("%v", r)
	}
	grants, err := filepath.Glob(record.DefaultDir + "/container/*/*/grant.json")
	if err != nil || len(grants) != 1 {
		t.Fatalf("%v: %q", err, grants)
	}
	if err := os.Chmod(grants[0], 0o622); err != nil {
		t.Fatal(err)
	}
	if r := exec(id, "id", "-u"); r.Code == 0 {
		t.Errorf("a grant that everybody could have written: %v", r)
	}
	if line := lastLine(t); !strings.Contains(line, "cannot be trusted") || !strings.Contains(line, "break-glass --end") {
		t.Errorf("the audit line says nothing of it: %s", line)
	}
	if r := ctl(t, "break-glass", "--end", id); r.Code != 0 {
		t.Fatalf("%v", r)
	}
	closed(id, "after all")
}
