// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func bundleDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "web")
	if err := os.MkdirAll(filepath.Join(dir, "rootfs/etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	const config = `{"ociVersion":"1.0.2","process":{"args":["sh"],"cwd":"/","user":{"uid":0,"gid":0}},"root":{"path":"rootfs"},` +
		`"linux":{"namespaces":[{"type":"mount"},{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"network"}]}}`
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func policyFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.toml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestExplain(t *testing.T) {
	dir, good := bundleDir(t), policyFile(t, "[profile.default]\npids_limit = 77\n")
	got, err := output(t, "explain", dir, "--policy", good)
	if err != nil || !strings.Contains(got, "would be hardened") || !strings.Contains(got, "linux.resources.pids.limit: absent → 77") {
		t.Errorf("%v: %s", err, got)
	}
	if got, err = output(t, "explain", "--diff", "--policy", good, dir); err != nil || !strings.Contains(got, `"limit": 77`) {
		t.Errorf("%v: %s", err, got)
	}
	var v struct{ Verdict, Rule string }
	no := policyFile(t, "[[rule]]\nname = \"no\"\nmode = \"refuse\"\nreason = \"not here\"\n")
	got, err = output(t, "explain", "--json", "--policy", no, dir)
	if !errors.Is(err, errStopped) {
		t.Errorf("a refused container is no failure: %v", err)
	}
	if err := json.Unmarshal([]byte(got), &v); err != nil || v.Verdict != "refused" || v.Rule != "no" {
		t.Errorf("%v: %s", err, got)
	}
	if _, err := output(t, "explain", "--policy", policyFile(t, "x = 1\n"), dir); err == nil || !strings.Contains(err.Error(), `line 1: unknown key "x"`) {
		t.Error(err)
	}
}
