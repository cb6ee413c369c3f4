// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAuditSearch(t *testing.T) {
	log := filepath.Join(t.TempDir(), "audit.jsonl")
	lines := []string{
		`{"time":"2026-03-04T12:00:00Z","decision":"hardened","verb":"create","engine":"docker","container":"aaa","name":"web","uid":2001000001}`,
		`{broken`,
		`{"time":"2026-03-04T12:01:00Z","decision":"refused","verb":"create","engine":"cri","container":"bbb","namespace":"shop","reason":"no (control host-paths; CIS 5.6)"}`,
	}
	if err := os.WriteFile(log, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	search := func(args ...string) string {
		t.Helper()
		out.Reset()
		errs.Reset()
		root := rootCommand()
		root.SetOut(&out)
		root.SetErr(&errs)
		root.SetArgs(append([]string{"audit", "search", log}, args...))
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got := search(); strings.Count(got, "\n") != 2 || !strings.Contains(errs.String(), "line 2 is broken") {
		t.Errorf("%s%s", got, errs.String())
	}
	if got := search("--json", "--decision", "refused,failed", "--since", "2026-03-04"); got != lines[2]+"\n" {
		t.Error(got)
	}
	if got := search("--control", "host-paths"); !strings.Contains(got, "shop (bbb) no (control host-paths") {
		t.Error(got)
	}
	if got := search("--uid", "2001000001", "--container", "web"); !strings.Contains(got, "web (aaa)") || strings.Contains(got, "bbb") {
		t.Error(got)
	}
	for _, args := range [][]string{{"audit"}, {"audit", "search", "--since", "noon"}, {"audit", "tail", "x"}, {"audit", "tail", "-n", "-1"}, {"audit", "search", "--uid", "x"}} {
		_, err := output(t, args...)
		if u := usageError(""); !errors.As(err, &u) {
			t.Errorf("%q: %v, want usage", args, err)
		}
	}
}
