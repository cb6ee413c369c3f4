// SPDX-License-Identifier: Apache-2.0

package block

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/internal/metadata"
	"github.com/runclad/runclad/internal/record"
)

func TestMain(m *testing.M) { bed.Main(m) }

// rules are those of the network namespace of a process.
func rules(t *testing.T, pid int) string {
	t.Helper()
	return bed.MustRun(t, "nsenter", "-t", fmt.Sprint(pid), "-n", "nft", "list", "ruleset").Stdout
}

// inside starts a process in a network namespace of its own.
func inside(t *testing.T) record.Process {
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
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	p := record.Process{PID: cmd.Process.Pid}
	fields := strings.Fields(string(stat[strings.LastIndex(string(stat), ")")+1:]))
	if _, err := fmt.Sscan(fields[19], &p.Start); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNamespace(t *testing.T) {
	p := inside(t)
	if err := Process(p.PID, metadata.Options{}); err != nil {
		t.Fatal(err)
	}
	got := rules(t, p.PID)
	if !strings.Contains(got, "169.254.169.254") || !strings.Contains(got, "fd00:ec2::254") {
		t.Errorf("ruleset %s", got)
	}
	if strings.Contains(got, "169.254.170.23") {
		t.Errorf("task credentials are blocked unasked: %s", got)
	}
	if err := Process(p.PID, metadata.Options{}); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if again := rules(t, p.PID); again != got {
		t.Errorf("the second time changed the rules to %s", again)
	}
	q := inside(t)
	if err := Process(q.PID, metadata.Options{Credentials: true}); err != nil {
		t.Fatal(err)
	}
	if got := rules(t, q.PID); !strings.Contains(got, "169.254.170.23") {
		t.Errorf("task credentials are not blocked: %s", got)
	}
}

// TestHostNetwork: by whatever name, the host's namespace is not touched.
func TestHostNetwork(t *testing.T) {
	dir := t.TempDir()
	bound, link := filepath.Join(dir, "bound"), filepath.Join(dir, "link")
	if err := os.WriteFile(bound, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("/proc/self/ns/net", bound, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(bound, unix.MNT_DETACH) })
	if err := os.Symlink(bound, link); err != nil {
		t.Fatal(err)
	}
	before := rules(t, os.Getpid())
	for _, file := range []string{"/proc/self/ns/net", "/proc/1/ns/net", "/proc/thread-self/ns/net", bound, link} {
		if err := Namespace(file, metadata.Options{}); !errors.Is(err, ErrHostNetwork) {
			t.Errorf("%s: %v, want ErrHostNetwork", file, err)
		}
	}
	if err := Process(os.Getpid(), metadata.Options{}); !errors.Is(err, ErrHostNetwork) {
		t.Errorf("own process: %v, want ErrHostNetwork", err)
	}
	if after := rules(t, os.Getpid()); after != before {
		t.Errorf("the host's rules became %s", after)
	}
}

func TestNoNamespace(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := os.WriteFile(fifo, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"", "/not/there", "/etc/passwd", "/proc", "/dev/null", "/proc/self/ns/mnt", "/proc/self/ns/uts", fifo} {
		if err := Namespace(file, metadata.Options{}); err == nil {
			t.Errorf("%q: no error", file)
		}
	}
	if err := Process(1<<22+1, metadata.Options{}); err == nil {
		t.Error("a process that is not there: no error")
	}
}

func TestRecorded(t *testing.T) {
	dir := t.TempDir()
	store, err := record.Open(filepath.Join(bed.Dir(t, "state"), "runclad"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	self, err := record.Self()
	if err != nil {
		t.Fatal(err)
	}
	made := func(id, block string) record.Record {
		r := record.Record{
			ID: id, Root: dir, Flavor: "runc", Block: block, UID: 1, GID: 1,
			CreatorPID: self.PID, CreatorStart: self.Start, Created: time.Now().UTC().Format(time.RFC3339Nano),
		}
		if err := store.Write(r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	state := func(id string, p record.Process) {
		bed.Write(t, filepath.Join(dir, id, "state.json"), fmt.Sprintf(`{"init_process_pid":%d,"init_process_start":%d}`, p.PID, p.Start))
	}

	for _, how := range []string{record.BlockAtCreate, record.BlockByHook, record.BlockAllowed} {
		if err := Recorded(store, made("other-"+how, how)); err != nil {
			t.Errorf("%s: %v: it is not for start to set", how, err)
		}
	}

	r := made("c1", record.BlockAtStart)
	if err := Recorded(store, r); err == nil {
		t.Error("a container without state: no error")
	}
	p := inside(t)
	state("c1", record.Process{PID: p.PID, Start: p.Start + 1})
	if err := Recorded(store, r); !errors.Is(err, record.ErrNotRunning) {
		t.Errorf("the PID is another process's by now: %v", err)
	}
	if strings.Contains(rules(t, p.PID), "169.254") {
		t.Error("and its network was blocked")
	}
	state("c1", p)
	if err := Recorded(store, r); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(rules(t, p.PID), "169.254.169.254") {
		t.Error("not blocked")
	}
	if done, err := store.Ready(r); err != nil || !done {
		t.Errorf("not noted: %v %v", done, err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "c1")); err != nil {
		t.Fatal(err)
	}
	if err := Recorded(store, r); err != nil {
		t.Errorf("once it stands, nothing is asked: %v", err)
	}

	host := made("c2", record.BlockAtStart)
	state("c2", self)
	if err := Recorded(store, host); !errors.Is(err, ErrHostNetwork) {
		t.Errorf("a first process in the host's network: %v", err)
	}
	if done, _ := store.Ready(host); done {
		t.Error("noted as ready")
	}
}
