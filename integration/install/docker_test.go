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
		"twice":       {`{"debug": true, "debug": false}`, "broken already"},
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

// Only what is said changes: the rest of the text stays as it was written.
func TestDockerKeepsTheText(t *testing.T) {
	const text = "{ \"labels\" : [ \"a=\\u00e9\",\n \"b\" ],\n\"max-concurrent-downloads\": 3e0,\"runtimes\":\n  { \"x\": {\"path\" : \"/x\"} }  }\n\n"
	tr := newTree(t, map[string]string{daemonJSON: text})
	debian(t).must(t, "--root", tr.dir, "--docker", "--default-runtime")
	want := strings.Replace(text, `"/x"} }  }`, `"/x"}, "runclad": {"path":"/usr/local/bin/runclad"} }, "default-runtime": "runclad"  }`, 1)
	if got := tr.read(daemonJSON); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Containers that Docker would start through runclad hold it back, running or
// not; those of other runtimes do not.
func TestDockerContainersDepend(t *testing.T) {
	e := current(t)
	tr := newTree(t, map[string]string{
		daemonJSON: `{"data-root": "/srv/docker"}`,
		"srv/docker/containers/aaaabbbbccccdddd/hostconfig.json": `{"Runtime":"runc"}`,
		"srv/docker/containers/aaaabbbbccccdddd/config.v2.json":  `{"Name":"/plain"}`,
	})
	e.must(t, "--root", tr.dir, "--docker")
	e.must(t, "--root", tr.dir, "--uninstall")
	e.must(t, "--root", tr.dir, "--docker")
	if out, code := e.install(t, "--root", tr.dir, "--uninstall", "--check"); code == 0 || !strings.Contains(out, daemonJSON+" names it") {
		t.Errorf("--check: status %d", code)
	}
	tr.write("srv/docker/containers/1111222233334444/hostconfig.json", `{"Runtime":"runclad"}`)
	tr.write("srv/docker/containers/1111222233334444/config.v2.json", `{"Name":"/web"}`)
	installed := tr.files()
	out, code := e.install(t, "--root", tr.dir, "--uninstall")
	if code == 0 || !strings.Contains(out, "docker container 111122223333 (web)") || strings.Contains(out, "plain") {
		t.Errorf("status %d", code)
	}
	tr.same(installed, "after a refusal")
	if out := e.must(t, "--root", tr.dir, "--uninstall", "--force"); !strings.Contains(out, "kept       "+tr.dir+"/usr/local/bin/runclad") {
		t.Errorf("that the shim stays is not said")
	}
	if !exists(tr.dir+"/usr/local/bin/runclad") || strings.Contains(tr.read(daemonJSON), "runclad") {
		t.Errorf("--force: %v", tr.files())
	}
	tr.write("srv/docker/containers/1111222233334444/hostconfig.json", `not JSON`)
	if out, code := e.install(t, "--root", tr.dir, "--uninstall"); code == 0 || !strings.Contains(out, "could not be looked through") {
		t.Errorf("a file that cannot be read: status %d", code)
	}
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
