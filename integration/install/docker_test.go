// SPDX-License-Identifier: Apache-2.0

package install

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const daemonJSON = "etc/docker/daemon.json"

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	v := map[string]any{}
	if strings.TrimSpace(text) == "" {
		return v
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func TestDocker(t *testing.T) {
	for name, text := range map[string]string{
		"empty":    "",
		"blank":    "\n",
		"object":   "{}",
		"other":    `{"log-driver":"local","debug":true}`,
		"tabs":     "{\n\t\"debug\": true,\n\t\"log-opts\": {\n\t\t\"max-size\": \"10m\"\n\t}\n}\n",
		"four":     "{\n    \"debug\": true\n}\n",
		"runtimes": `{"runtimes": {"other": {"path": "/usr/bin/other", "runtimeArgs": ["--x"]}}, "default-runtime": "other"}`,
		"none yet": `{"runtimes": {}}`,
		"unicode":  "{\"labels\": [\"stra\u00dfe=\\u00e9\"]}",
	} {
		t.Run(name, func(t *testing.T) {
			e := current(t)
			check := func(def bool) func(tree) {
				return func(tr tree) {
					got, want := decode(t, tr.read(daemonJSON)), decode(t, text)
					runtimes, _ := want["runtimes"].(map[string]any)
					if runtimes == nil {
						runtimes = map[string]any{}
					}
					runtimes["runclad"] = map[string]any{"path": "/usr/local/bin/runclad"}
					want["runtimes"] = runtimes
					if def {
						want["default-runtime"] = "runclad"
					}
					if !reflect.DeepEqual(got, want) {
						t.Errorf("got %v\nwant %v", got, want)
					}
					if out, err := exec.Command(e.dockerd, "--validate", "--config-file", filepath.Join(tr.dir, daemonJSON)).CombinedOutput(); err != nil {
						t.Errorf("dockerd: %v: %s", err, out)
					}
				}
			}
			files := map[string]string{daemonJSON: text}
			roundTrip(t, e, files, check(false), "--docker")
			if name == "other" || name == "runtimes" {
				roundTrip(t, e, files, check(true), "--docker", "--default-runtime")
				roundTrip(t, debian(t), files, check(false), "--docker") // 20.10 cannot validate
			}
		})
	}
	t.Run("no file", func(t *testing.T) {
		roundTrip(t, current(t), nil, func(tree) {}, "--docker", "--default-runtime")
	})
}

func TestDockerKeepsTheIndentation(t *testing.T) {
	for _, indent := range []string{"\t", "  ", "    "} {
		tr := newTree(t, map[string]string{daemonJSON: "{\n" + indent + "\"debug\": true\n}\n"})
		current(t).must(t, "--root", tr.dir, "--docker")
		if got := tr.read(daemonJSON); !strings.HasPrefix(got, "{\n"+indent+"\"debug\": true,\n"+indent+"\"runtimes\"") {
			t.Errorf("%q: %s", indent, got)
		}
	}
}

func TestDockerRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, why string }{
		"syntax":      {`{"debug": true,}`, "broken already"},
		"two objects": {"{}\n{}", "broken already"},
		"a list":      {"[]", "broken already"},
		"unknown key": {`{"debugg": true}`, "debugg"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, current(t), map[string]string{daemonJSON: c.text}, c.why, "--docker")
		})
	}
	t.Run("syntax, 20.10", func(t *testing.T) {
		refused(t, debian(t), map[string]string{daemonJSON: `{"debug": true,}`}, "broken already", "--docker")
	})
}

// What was edited after the installation stays.
func TestDockerEdited(t *testing.T) {
	e := current(t)
	tr := newTree(t, map[string]string{daemonJSON: `{"debug": true, "default-runtime": "runc"}`})
	e.must(t, "--root", tr.dir, "--docker", "--default-runtime")
	tr.write(daemonJSON, strings.Replace(tr.read(daemonJSON), `"debug": true`, `"debug": false`, 1))
	e.must(t, "--root", tr.dir, "--uninstall")
	if got := decode(t, tr.read(daemonJSON)); !reflect.DeepEqual(got, map[string]any{"debug": false, "default-runtime": "runc"}) {
		t.Errorf("got %v", got)
	}
}

// Flags may come one after the other, each run with a copy of its own.
func TestDockerInTwoSteps(t *testing.T) {
	e := current(t)
	tr := newTree(t, map[string]string{daemonJSON: `{"debug":   true}`})
	before := tr.files()
	e.must(t, "--root", tr.dir, "--docker")
	e.must(t, "--root", tr.dir, "--docker", "--default-runtime")
	if got := decode(t, tr.read(daemonJSON)); got["default-runtime"] != "runclad" {
		t.Errorf("got %v", got)
	}
	e.must(t, "--root", tr.dir, "--uninstall")
	tr.same(before, "after uninstall")
}
