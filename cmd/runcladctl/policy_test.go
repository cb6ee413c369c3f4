// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"
)

func TestPolicyCheck(t *testing.T) {
	bad := policyFile(t, "x = 1\n[profile.default]\nzz = 3\n")
	got, err := output(t, "policy", "check", bad)
	if err == nil || !strings.Contains(got, bad+`: line 1: unknown key "x"`) || !strings.Contains(got, `line 3: unknown key "profile.default.zz"`) {
		t.Errorf("%v: %s", err, got)
	}
	for text, want := range map[string]string{
		"[[rule]\n": "line 1",
		"[[rule]]\nname = \"a\"\nprofile = \"nobody\"\n": `rule "a": profile: there is no profile "nobody"`,
	} {
		if got, err := output(t, "policy", "check", policyFile(t, text)); err == nil || !strings.Contains(got, want) {
			t.Errorf("%q: %v: %s", text, err, got)
		}
	}

	wide := policyFile(t, "[[rule]]\nname = \"a\"\nprofile = \"baseline\"\n")
	got, err = output(t, "policy", "check", wide)
	if err != nil || !strings.Contains(got, wide+":1: rule a loosens for every container:\n    identity: ") || !strings.Contains(got, "it loosens and has no match") {
		t.Errorf("%v: %s", err, got)
	}
	if _, err := output(t, "policy", "check", "--strict", wide); err == nil || err.Error() != "2 warnings" {
		t.Error(err)
	}
	var c checked
	if got, err = output(t, "policy", "check", "--json", wide); err != nil || json.Unmarshal([]byte(got), &c) != nil || len(c.Findings) < 5 {
		t.Errorf("%v: %s", err, got)
	}
	if _, err := output(t, "policy", "check", "--strict", policyFile(t, "[profile.default]\npids_limit = 7\n")); err != nil {
		t.Error(err)
	}
	if _, err := output(t, "policy", "check", "nowhere.toml"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestPolicyShow(t *testing.T) {
	one := policyFile(t, "[profile.baseline]\npids_limit = 7\n[profile.mine]\nbase = \"baseline\"\nhost_pid = true\n")
	two := policyFile(t, "[[rule]]\nname = \"a\"\nprofile = \"mine\"\nmatch.pod = \"x\"\nexpires = \"2020-01-01\"\n")
	got, err := output(t, "policy", "show", two, one)
	if err != nil {
		t.Fatal(err)
	}
	_, mine, _ := strings.Cut(got, "[profile.mine]")
	for _, want := range []string{
		"# 1. a (" + two + ":1): enforce profile mine for every container of pod x",
		"EXPIRED at: 2020-01-02T00:00:00Z",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q: %s", want, got)
		}
	}
	for key, from := range map[string]string{
		`pids_limit = 7`: one + " (profile.baseline)", `host_pid = true`: one, `volumes = "keep"`: "built-in baseline",
	} {
		line, _, _ := strings.Cut(after(mine, "\n"+key+" "), "\n")
		if strings.TrimSpace(line) != "# "+from {
			t.Errorf("%s comes from %q, want %s", key, line, from)
		}
	}
	// What is shown of the profiles can be written into a policy.
	if got, err := output(t, "policy", "check", policyFile(t, strings.ReplaceAll(withoutHandOff(got), `base = "default"`, ""))); err != nil {
		t.Errorf("%v: %s", err, got)
	}
	if got, err = output(t, "policy", "show", "--json", one); err != nil || !strings.Contains(got, `"from": "built-in default"`) {
		t.Errorf("%v: %s", err, got)
	}
}

// withoutHandOff leaves the profile out of which nothing can be set.
func withoutHandOff(text string) string {
	head, rest, _ := strings.Cut(text, "[profile.privileged]")
	_, tail, _ := strings.Cut(rest, "\n[")
	return head + "[" + tail
}

func TestPolicyTests(t *testing.T) {
	const example = "../../deploy/policy-example/"
	if got, err := output(t, "policy", "test", example+"tests.toml"); err != nil || got != "8 tests passed\n" {
		t.Errorf("%v: %s", err, got)
	}
	if got, err := output(t, "policy", "check", "--strict", example+"policy.toml"); err != nil {
		t.Errorf("%v: %s", err, got)
	}
	other := policyFile(t, "")
	got, err := output(t, "policy", "test", "--policy", other, example+"tests.toml")
	if err == nil || err.Error() != "6 of 8 tests failed" || !strings.Contains(got, example+"tests.toml:4: the network agent") {
		t.Errorf("%v: %s", err, got)
	}
	if got, err := output(t, "policy", "test", "--json", "--policy", other, example+"tests.toml"); err == nil || !strings.HasPrefix(got, "[") {
		t.Errorf("%v: %s", err, got)
	}
}
