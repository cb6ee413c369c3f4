// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/internal/block"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/spec"
)

// TestMain runs the tests where /run/runclad is their own.
func TestMain(m *testing.M) { bed.Main(m) }

const root = "/run/runc"

func write(t *testing.T, id, credentials string) {
	t.Helper()
	store, err := record.Open(record.DefaultDir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	self, err := record.Self()
	if err != nil {
		t.Fatal(err)
	}
	r := record.Record{
		ID: id, Root: root, Flavor: "runc", Block: record.BlockByHook, TaskCredentials: credentials, UID: 1, GID: 1,
		CreatorPID: self.PID, CreatorStart: self.Start, Created: time.Now().UTC().Format(time.RFC3339Nano),
	}
	if err := store.Write(r); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Remove(r); err != nil {
			t.Error(err)
		}
	})
}

// inside is the PID of a process in a network namespace of its own.
func inside(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("/usr/bin/unshare", "-n", "sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	bed.Eventually(t, 5*time.Second, func() error {
		ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", cmd.Process.Pid))
		if err == nil && ns == own {
			err = errors.New("not yet in its namespace")
		}
		return err
	})
	return cmd.Process.Pid
}

func rules(t *testing.T, pid int) string {
	t.Helper()
	return bed.MustRun(t, "nsenter", "-t", fmt.Sprint(pid), "-n", "nft", "list", "ruleset").Stdout
}

func TestHook(t *testing.T) {
	write(t, "c1", "")
	write(t, "c2", "block")
	for id, want := range map[string]bool{"c1": false, "c2": true} {
		pid := inside(t)
		state := fmt.Sprintf(`{"ociVersion":"1.0.2","id":%q,"pid":%d,"status":"creating","bundle":"/b","annotations":{"pid":"1"}}`, id, pid)
		if err := run([]string{root, id}, strings.NewReader(state)); err != nil {
			t.Fatal(err)
		}
		got := rules(t, pid)
		if !strings.Contains(got, "169.254.169.254") || strings.Contains(got, "169.254.170.23") != want {
			t.Errorf("%s: ruleset %s", id, got)
		}
	}
}

// TestFailures: each fails the container, and blocks nobody's network.
func TestFailures(t *testing.T) {
	write(t, "f1", "")
	write(t, "f2", "")
	pid := inside(t)
	state := func(id string, pid any) string { return fmt.Sprintf(`{"id":%q,"pid":%v}`, id, pid) }
	for name, tc := range map[string]struct {
		args  []string
		stdin string
	}{
		"no arguments":       {nil, state("f1", pid)},
		"too many":           {[]string{root, "f1", "x"}, state("f1", pid)},
		"no record":          {[]string{root, "unknown"}, state("unknown", pid)},
		"another root":       {[]string{"/run/other", "f1"}, state("f1", pid)},
		"relative root":      {[]string{"run", "f1"}, state("f1", pid)},
		"a path for an ID":   {[]string{root, "../container"}, state("../container", pid)},
		"another container":  {[]string{root, "f1"}, state("f2", pid)},
		"no ID":              {[]string{root, "f1"}, fmt.Sprintf(`{"pid":%d}`, pid)},
		"no PID":             {[]string{root, "f1"}, `{"id":"f1"}`},
		"PID 0":              {[]string{root, "f1"}, state("f1", 0)},
		"negative PID":       {[]string{root, "f1"}, state("f1", -pid)},
		"PID as text":        {[]string{root, "f1"}, fmt.Sprintf(`{"id":"f1","pid":"%d"}`, pid)},
		"huge PID":           {[]string{root, "f1"}, state("f1", "99999999999999999999")},
		"two PIDs":           {[]string{root, "f1"}, fmt.Sprintf(`{"id":"f1","pid":%d,"pid":%d}`, pid, pid)},
		"a process gone":     {[]string{root, "f1"}, state("f1", 1<<22-1)},
		"nothing":            {[]string{root, "f1"}, ""},
		"no JSON":            {[]string{root, "f1"}, "state"},
		"more than JSON":     {[]string{root, "f1"}, state("f1", pid) + "{}"},
		"a flood":            {[]string{root, "f1"}, `{"id":"f1","x":"` + strings.Repeat("x", spec.MaxSize+1) + `"}`},
		"init's network":     {[]string{root, "f1"}, state("f1", 1)},
		"the host's network": {[]string{root, "f1"}, state("f1", os.Getpid())},
	} {
		err := run(tc.args, strings.NewReader(tc.stdin))
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if strings.HasSuffix(name, "network") && !errors.Is(err, block.ErrHostNetwork) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := rules(t, pid) + rules(t, os.Getpid()); strings.Contains(got, "169.254") {
		t.Errorf("blocked: %s", got)
	}
}

// TestEntry: the runtime executes the shim under the name by which it knows that
// it is a hook, with a bound on its time.
func TestEntry(t *testing.T) {
	const want = `{"path":"/usr/bin/runclad","args":["runclad-hook","/run/r","c1"],"timeout":20}`
	if got := Entry("/usr/bin/runclad", "/run/r", "c1").String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if code := Main([]string{root, "unknown"}); code != 1 {
		t.Errorf("exit code %d of a failure", code)
	}
}
