// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/internal/ctl/doctor"
)

// refused tries to make a container that no policy allows.
func refused(t *testing.T, rt bed.Runtime) {
	t.Helper()
	s := bed.DockerSpec(t)
	s.Process.Args = []string{"true"}
	s.Mounts = append(s.Mounts, specs.Mount{Destination: "/h", Type: "bind", Source: "/etc", Options: []string{"rbind"}})
	c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), s)
	if r := c.Create(); r.Code != 1 {
		t.Fatalf("not refused: %v", r)
	}
}

// Lines come as containers are made, across a rotation of the log.
func TestAudit(t *testing.T) {
	rt := bed.DebianRunc(t)
	bed.Use(t, rt)
	began := time.Now().UTC().Format(time.RFC3339Nano) // the log is that of the whole bed
	first := container(t, bed.Shim(t), rt, nil)
	cmd := exec.Command(filepath.Join(bed.Repo(t), "bin/runcladctl"), "audit", "tail", "-f", "-n", "1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	found := make(chan string, 100)
	go func() {
		for sc := bufio.NewScanner(out); sc.Scan(); {
			found <- sc.Text()
		}
		close(found)
	}()
	next := func(parts ...string) {
		t.Helper()
		select {
		case line := <-found:
			for _, p := range parts {
				if !strings.Contains(line, p) {
					t.Errorf("%q lacks %q", line, p)
				}
			}
		case <-time.After(time.Minute):
			t.Fatalf("no line with %q", parts)
		}
	}
	next("hardened", "create", first.ID, "uid=")
	first.Exec(nil, "true")
	next("hardened", "exec", first.ID)
	if err := os.Rename(bed.AuditFile, bed.AuditFile+".1"); err != nil {
		t.Fatal(err)
	}
	second := container(t, bed.Shim(t), rt, nil)
	next("hardened", "create", second.ID)
	refused(t, rt)
	next("refused", "create", "host-paths")
	if err := cmd.Process.Signal(unix.SIGINT); err != nil {
		t.Fatal(err)
	}
	for range found {
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGINT: %v", err)
	}
	for args, want := range map[string]int{
		"--container " + first.ID: 2, "--container " + second.ID: 1, "--engine direct --decision refused --control host-paths --since " + began: 1, "--engine direct --verb exec --since " + began: 1, "--until 2020-01-01": 0,
	} {
		r := bed.Ctl(t, append([]string{"audit", "search", "--json"}, strings.Fields(args)...)...)
		if n := strings.Count(r.Stdout, "\n"); r.Code != 0 || n != want {
			t.Errorf("%s: %d lines, want %d: %v", args, n, want, r)
		}
	}
}

// Counters of real creates and refusals, read back as Prometheus reads them.
func TestMetrics(t *testing.T) {
	bed.Metadata(t)
	rt := bed.CurrentRunc(t)
	bed.Use(t, rt)
	dir := bed.Dir(t, "metrics")
	file, state := filepath.Join(dir, "runclad.prom"), filepath.Join(dir, "state.json")
	collect := func() map[string]float64 {
		t.Helper()
		if r := bed.Ctl(t, "metrics", "--output", file, "--state", state); r.Code != 0 || r.Output() != "" {
			t.Fatalf("%v", r)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err := parser.TextToMetricFamilies(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]float64{}
		for name, f := range families {
			for _, m := range f.GetMetric() {
				key := name
				for _, l := range m.GetLabel() {
					key += " " + l.GetValue()
				}
				out[key] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
		return out
	}
	before := collect()
	clad := container(t, bed.Shim(t), rt, nil)
	container(t, rt.Path, rt, nil)
	refused(t, rt)
	bed.Report(t, clad.Exec(nil, "/probe", "net"))
	after := collect()
	for key, want := range map[string]float64{
		"runclad_decisions_total create hardened direct default": 1,
		"runclad_decisions_total create refused direct default":  1,
		"runclad_decisions_total exec hardened direct default":   1,
		"runclad_refusals_total host-paths":                      1,
		"runclad_containers direct default enforce":              1,
		"runclad_bypassing_containers":                           1,
		"runclad_policy_load_success":                            0,
	} {
		if got := after[key] - before[key]; got != want {
			t.Errorf("%s grew by %v, want %v", key, got, want)
		}
	}
	hits := func(m map[string]float64) (n float64) {
		for key, v := range m {
			if strings.HasPrefix(key, "runclad_metadata_blocked_packets_total") {
				n += v
			}
		}
		return n
	}
	if hits(after) == hits(before) {
		t.Errorf("a blocked packet was not counted: %v", after)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v: node_exporter is not root", info, err)
	}
	bed.Write(t, bed.PolicyFile, "nonsense\n")
	t.Cleanup(func() { _ = os.Remove(bed.PolicyFile) })
	if broken := collect(); broken["runclad_policy_load_success"] != 0 {
		t.Error("a broken policy counts as good")
	}
}

// What is wrong with a node is found, with a remedy, and exit status 1.
func TestDoctorFindsWhatIsWrong(t *testing.T) {
	rt := bed.DebianRunc(t)
	finding := func(area, check string) (f doctor.Finding, code int) {
		t.Helper()
		r := bed.Ctl(t, "doctor")
		var d doctor.Report
		bed.CtlJSON(t, &d, "doctor")
		for _, f := range d.Findings {
			if f.Area == area && f.Check == check {
				return f, r.Code
			}
		}
		t.Fatalf("no finding %s %s: %v", area, check, r)
		return f, 0
	}
	bed.Use(t, rt)
	for _, check := range []struct{ area, check string }{
		{"kernel", "openat2"},
		{"kernel", "memfd"},
		{"kernel", "mount API"},
		{"kernel", "nftables"},
		{"cgroups", "pids"},
		{"runtime", "real runtime"},
		{"policy", "policy"},
		{"conflicts", "UIDs"},
	} {
		if f, _ := finding(check.area, check.check); f.Verdict != doctor.OK {
			t.Errorf("%+v", f)
		}
	}
	wrong := func(area, check, text string) {
		t.Helper()
		f, code := finding(area, check)
		if f.Verdict != doctor.Problem || code != 1 || f.Remedy == "" || !strings.Contains(f.Text, text) {
			t.Errorf("%+v, exit status %d", f, code)
		}
	}
	bed.Write(t, bed.PolicyFile, "[profile.default]\nnonsense = 1\n")
	wrong("policy", "policy", "nonsense")
	if err := os.Remove(bed.PolicyFile); err != nil {
		t.Fatal(err)
	}
	// A stray user is given an ID in the middle of the range: a warning.
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	bed.Write(t, "/etc/passwd", string(passwd)+"stray:x:2001000005:2001000005::/:/bin/false\n")
	if f, _ := finding("conflicts", "UIDs"); f.Verdict != doctor.Warning || !strings.Contains(f.Text, "2001000005") {
		t.Errorf("%+v", f)
	}
	bed.Write(t, "/etc/passwd", string(passwd))
	// The link leads nowhere.
	if err := os.Remove(bed.RuntimeLink); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/nowhere", bed.RuntimeLink); err != nil {
		t.Fatal(err)
	}
	wrong("runtime", "real runtime", bed.RuntimeLink+" leads nowhere")
	bed.Use(t, rt)
	// The log's filesystem is full.
	if err := unix.Mount("tmpfs", "/var/log", "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount("/var/log", unix.MNT_DETACH) })
	wrong("log", "space", "KiB left")
	// Somebody else can write to the records.
	if err := os.Chmod(bed.StateDir, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(bed.StateDir, 0o700) })
	wrong("files", "records", fmt.Sprintf("%s is writable by others", bed.StateDir))
}

// A shell is offered the IDs of recorded containers.
func TestCompletionOfContainers(t *testing.T) {
	rt := bed.DebianRunc(t)
	bed.Use(t, rt)
	c := container(t, bed.Shim(t), rt, nil)
	for _, args := range [][]string{{"show", c.ID[:3]}, {"audit", "search", "--container", ""}} {
		r := bed.Ctl(t, append([]string{"__complete"}, args...)...)
		if r.Code != 0 || !strings.Contains(lines(r.Stdout)[0], c.ID) {
			t.Errorf("%v", r)
		}
	}
}
