// SPDX-License-Identifier: Apache-2.0

package argv

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// corpus returns the calls that dockerd 20.10, containerd 2.4.2 (ctr and CRI) and
// Podman 4.3.1 were seen to make.
func corpus(t testing.TB) [][]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var calls [][]string
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var call struct {
				Argv []string `json:"argv"`
			}
			if err := json.Unmarshal(lines.Bytes(), &call); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			calls = append(calls, call.Argv)
		}
	}
	if len(calls) < 500 {
		t.Fatalf("only %d calls in testdata", len(calls))
	}
	return calls
}

// commandWord finds the command without a flag table: no value in the corpus is
// one of these words.
func commandWord(args []string) string {
	commands := []string{
		"checkpoint", "create", "delete", "exec", "features", "kill", "pause",
		"ps", "restore", "resume", "run", "start", "state", "update",
	}
	for _, a := range args {
		if slices.Contains(commands, a) {
			return a
		}
	}
	return ""
}

func TestCorpus(t *testing.T) {
	seen := map[Verb]int{}
	for _, f := range []Flavor{Runc, Crun} {
		for _, args := range corpus(t) {
			inv, err := Parse(args, "/", f)
			if err != nil {
				t.Errorf("%v %q: %v", f, args, err)
				continue
			}
			word := commandWord(args)
			want := guarded(word)
			switch {
			case word == "features":
				want = Features
			case args[0] == "--version":
				want = Version
			}
			if inv.Verb != want || inv.Command != word {
				t.Errorf("%v %q: verb %v, command %q; want %v, %q", f, args, inv.Verb, inv.Command, want, word)
			}
			seen[inv.Verb]++
			if inv.Verb.Guarded() {
				checkCanonical(t, args, inv)
			}
		}
	}
	for _, v := range []Verb{PassThrough, Create, Run, Exec, Start, Version, Features} {
		if seen[v] == 0 {
			t.Errorf("no %v in the corpus", v)
		}
	}
}

// checkCanonical checks what holds for the canonical argv of every accepted
// guarded command.
func checkCanonical(t *testing.T, args []string, inv Invocation) {
	t.Helper()
	out, want := inv.Argv(), inv
	if inv.Verb == Exec {
		want = foldProcess(inv)
		out = inv.ExecArgv(want.Process)
	}
	if out[len(out)-1] != inv.ID {
		t.Errorf("%q: the ID is not last in %q", args, out)
	}
	bundles := 0
	for _, a := range out[:len(out)-1] {
		if a == "--bundle" {
			bundles++
		}
	}
	if bundles > 1 || inv.Verb.hasBundle() != (bundles == 1) {
		t.Errorf("%q: %d --bundle in %q", args, bundles, out)
	}
	if inv.Verb.hasBundle() && (!filepath.IsAbs(inv.Bundle) || filepath.Clean(inv.Bundle) != inv.Bundle) {
		t.Errorf("%q: bundle %q is not absolute and clean", args, inv.Bundle)
	}
	// The canonical argv needs no working directory.
	again, err := Parse(out, "", inv.Flavor)
	if err != nil {
		t.Errorf("%q: canonical %q: %v", args, out, err)
	} else if !reflect.DeepEqual(again, want) {
		t.Errorf("%q: canonical %q\n parsed %+v\n   want %+v", args, out, again, want)
	}
}

// foldProcess returns inv as it is when its process document stands for the flags
// that describe the process.
func foldProcess(inv Invocation) Invocation {
	inv.Exec = ExecFlags{Detach: inv.Exec.Detach, IgnorePaused: inv.Exec.IgnorePaused, Cgroup: inv.Exec.Cgroup}
	inv.Args = nil
	inv.Process = "/run/process.json"
	return inv
}
