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

func TestExplainDockerRun(t *testing.T) {
	empty := policyFile(t, "")
	got, err := output(t, "explain", "--policy", empty, "--docker-run", "--rm", "-v", "/etc:/x", "--name", "web", "runclad.example/nowhere:1", "sh", "--json")
	if !errors.Is(err, errStopped) || !strings.Contains(got, "of docker, name web, image runclad.example/nowhere:1") || !strings.Contains(got, `[profile.default] host_paths = ["/etc"]`) {
		t.Errorf("%v: %s", err, got)
	}
	if got, err = output(t, "explain", "--policy", empty, "--json", "--docker-run", "runclad.example/nowhere:1"); err != nil || !strings.Contains(got, `"verdict": "hardened"`) {
		t.Errorf("%v: %s", err, got)
	}
	if got, err = output(t, "explain", "--policy", empty, "--docker-run", "--pid", "host", "--privilegd", "x"); err == nil || !strings.Contains(err.Error(), "unknown flag: --privilegd") {
		t.Errorf("%v: %s", err, got)
	}
	if got, err = output(t, "explain", "--policy", empty, "--docker-run", "--runtime", "runc", "runclad.example/nowhere:1"); err != nil || !strings.Contains(got, "--runtime runc: runclad is asked only") {
		t.Errorf("%v: %s", err, got)
	}
}

func TestExplainPod(t *testing.T) {
	const pod = `apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: kube-system}
spec:
  hostNetwork: true
  initContainers: [{name: prepare, image: busybox}]
  containers: [{name: agent, image: agent:1}]
`
	file := filepath.Join(t.TempDir(), "pod.yaml")
	if err := os.WriteFile(file, []byte(pod), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := output(t, "explain", "--policy", policyFile(t, ""), "--pod", file)
	if !errors.Is(err, errStopped) || strings.Count(got, "would be refused") != 3 || !strings.Contains(got, "== init container prepare") {
		t.Errorf("%v: %s", err, got)
	}
	allowed := policyFile(t, "[profile.net]\nhost_network = true\n[[rule]]\nname = \"agents\"\nprofile = \"net\"\nmatch.engine = \"cri\"\nmatch.namespace = \"kube-system\"\n")
	got, err = output(t, "explain", "--policy", allowed, "--pod", file, "--json")
	var views []struct{ Title, Verdict, Rule string }
	if err != nil || json.Unmarshal([]byte(got), &views) != nil || len(views) != 3 || views[0].Title != "pause container" || views[2].Rule != "agents" {
		t.Errorf("%v: %s", err, got)
	}
	for _, args := range [][]string{{"explain"}, {"explain", "a", "b"}, {"explain", "--pod", file, "x"}, {"explain", "--pod", file, "--docker-run", "x"}} {
		_, err := output(t, args...)
		if u := usageError(""); !errors.As(err, &u) {
			t.Errorf("%q: %v, want usage", args, err)
		}
	}
}
