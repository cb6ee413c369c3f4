// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

func entry() *Entry {
	id := uint32(2001000001)
	return &Entry{
		Time: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), Decision: Hardened, Verb: "create", Container: "c1",
		Workload: workload.Workload{Engine: workload.Docker, Name: "web", Image: "nginx"}, Profile: "default", UID: &id, GID: &id,
		Changes:  []spec.Change{{Step: "rootfs", Path: "root.readonly", To: spec.Flag(true)}, {Step: "seccomp", Path: "linux.seccomp", From: spec.Text(strings.Repeat("x", 500))}},
		Duration: 1500 * time.Microsecond,
	}
}

func TestLine(t *testing.T) {
	const want = `{"time":"2026-01-02T03:04:05.000006Z","decision":"hardened","verb":"create","engine":"docker","container":"c1","name":"web","image":"nginx","profile":"default","uid":2001000001,"gid":2001000001,"changes":[{"control":"rootfs","standards":"CIS 5.13, NSA 1.1, NIST 4.4.4","path":"root.readonly","to":true},{"control":"seccomp","standards":"CIS 5.22, PSS restricted, NSA 1.10","path":"linux.seccomp","from":"`
	got := string(entry().Line())
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "…\"}],\"duration_ms\":1.5}\n") {
		t.Errorf("got %s", got)
	}
	if !json.Valid([]byte(got)) {
		t.Error("not JSON")
	}
}

func TestConcurrentLinesDoNotMix(t *testing.T) {
	l := Log{File: filepath.Join(t.TempDir(), "new", "audit.jsonl")}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 20 {
				if err := l.Append(entry().Line()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b, err := os.ReadFile(l.File)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	if len(lines) != 1000 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		if !bytes.Equal(line, lines[0]) {
			t.Fatalf("mixed: %s", line)
		}
	}
}

func TestARotatedLogIsMadeAnew(t *testing.T) {
	l := Log{File: filepath.Join(t.TempDir(), "audit.jsonl")}
	for range 2 {
		if err := l.Append([]byte("{}\n")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(l.File, l.File+".1"); err != nil {
			t.Fatal(err)
		}
	}
	if b, _ := os.ReadFile(l.File + ".1"); string(b) != "{}\n" {
		t.Errorf("%q", b)
	}
}

func TestFallback(t *testing.T) {
	dir := t.TempDir()
	full := filepath.Join(dir, "full")
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	l := Log{File: full, Fallback: filepath.Join(dir, "run", "audit.jsonl")}
	if err := l.Append([]byte("{}\n")); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(l.Fallback); string(b) != "{}\n" {
		t.Errorf("%q", b)
	}
	if err := os.Truncate(l.Fallback, MaxFallback); err != nil {
		t.Fatal(err)
	}
	if err := l.Append([]byte("{}\n")); err == nil || !strings.Contains(err.Error(), "is full") {
		t.Errorf("a full fallback took a line: %v", err)
	}
}
