// SPDX-License-Identifier: Apache-2.0

package argv

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// program is a real runtime.
type program struct {
	file    string
	flavor  Flavor
	version []int
}

// programs returns runc and crun from PATH, and what RUNCLAD_TEST_RUNTIMES, a
// colon-separated list of files, adds.
func programs(t *testing.T) []program {
	t.Helper()
	files := filepath.SplitList(os.Getenv("RUNCLAD_TEST_RUNTIMES"))
	for _, name := range []string{"runc", "crun"} {
		if file, err := exec.LookPath(name); err == nil {
			files = append(files, file)
		}
	}
	var out []program
	for _, file := range files {
		// crun makes its state directory even to tell its version.
		b, err := exec.Command(file, "--root", filepath.Join(t.TempDir(), "state"), "--version").Output()
		if err != nil {
			t.Fatalf("%s --version: %v", file, err)
		}
		m := regexp.MustCompile(`^(runc|crun) version ([0-9.]+)`).FindStringSubmatch(string(b))
		if m == nil {
			t.Fatalf("%s --version: neither runc nor crun: %q", file, b)
		}
		p := program{file: file, version: versionOf(t, m[2])}
		if m[1] == "crun" {
			p.flavor = Crun
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		t.Fatal("no runtime in PATH or RUNCLAD_TEST_RUNTIMES")
	}
	return out
}

func versionOf(t *testing.T, s string) []int {
	t.Helper()
	var out []int
	for part := range strings.SplitSeq(strings.Trim(s, "."), ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			t.Fatalf("version %q: %v", s, err)
		}
		out = append(out, n)
	}
	return out
}

// has reports whether the table says that the program knows the flag at a place.
func (p program) has(t *testing.T, row flagSpec, at scope) bool {
	t.Helper()
	if p.flavor == Crun {
		return row.crun&at != 0 && (row.crunSince == "" || slices.Compare(p.version, versionOf(t, row.crunSince)) >= 0)
	}
	return row.runc&at != 0 &&
		(row.runcSince == "" || slices.Compare(p.version, versionOf(t, row.runcSince)) >= 0) &&
		(row.runcUntil == "" || slices.Compare(p.version, versionOf(t, row.runcUntil)) < 0)
}

// run runs the program with a state directory and a working directory of its own,
// so that nothing it is asked for exists, and returns all its output without what
// differs between two runs.
func (p program) run(t *testing.T, args ...string) string {
	t.Helper()
	return p.runIn(t, t.TempDir(), args...)
}

func (p program) runIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command(p.file, append([]string{"--root", filepath.Join(dir, "state")}, args...)...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	b, _ := cmd.CombinedOutput() // it fails, that is the point
	return regexp.MustCompile(`"?time"?[=:]"[^"]*"|20\S+T\S+Z?:`).ReplaceAllString(string(b), "")
}

// commands returns the guarded commands of the program: crun may lack restore.
func (p program) commands(t *testing.T) []Verb {
	t.Helper()
	var out []Verb
	for v := Create; v <= Start; v++ {
		if strings.Contains(p.run(t, v.String(), "--help"), "unknown command") {
			t.Logf("%s has no %v", p.file, v)
			continue
		}
		out = append(out, v)
	}
	return out
}

// misunderstood is how the two libraries complain of a flag.
var misunderstood = regexp.MustCompile(`not defined|unrecognized option|invalid option|needs an argument|requires an argument|doesn't allow an argument|invalid value|invalid boolean|Incorrect Usage|unknown verbosity|unknown cgroup manager`)

var sampleValues = map[string]string{
	"preserve-fds": "0", "additional-gids": "1", "log-format": "json", "rootless": "auto", "log": "log.json",
	"cgroup-manager": "cgroupfs", "manage-cgroups-mode": "soft", "network-lock": "skip", "log-level": "error",
	"user": "0", "env": "A=1", "root": "root", "bundle": "missing", "criu": "criu",
}

// TestTableAgainstPrograms: every flag of the table exists, with or without a value
// as the table says, in each program that should have it, and in no other.
func TestTableAgainstPrograms(t *testing.T) {
	for _, p := range programs(t) {
		t.Run(filepath.Base(filepath.Dir(p.file))+"-"+filepath.Base(p.file), func(t *testing.T) {
			for i, row := range flagTable {
				if row.refused == standsAlone || row.name == "version" {
					continue
				}
				for _, v := range append([]Verb{PassThrough}, p.commands(t)...) {
					in := row.runc
					if p.flavor == Crun {
						in = row.crun
					}
					if in&(1<<v) == 0 {
						continue
					}
					spellings := []string{"--" + row.name}
					if row.short != 0 {
						spellings = append(spellings, "-"+string(rune(row.short)))
					}
					for _, flag := range spellings {
						args := []string{flag}
						if row.kind == valued || row.kind == list {
							value := sampleValues[row.name]
							if value == "" {
								value = "x"
							}
							args = append(args, value)
						}
						if v == PassThrough {
							args = append(args, "state", "missing")
						} else {
							args = append([]string{v.String()}, args...)
							if v.hasBundle() && row.name != "bundle" {
								args = append(args, "--bundle", "missing")
							}
							args = append(args, "id")
							if v == Exec {
								args = append(args, "true")
							}
						}
						out := p.run(t, args...)
						bad := misunderstood.FindString(out)
						if has := p.has(t, flagTable[i], 1<<v); has && bad != "" {
							t.Errorf("%q: %q in %s", args, bad, out)
						} else if !has && bad == "" {
							t.Errorf("%q: accepted, but the table says that version %v has no such flag", args, p.version)
						}
					}
				}
			}
		})
	}
}

// TestHelpAgainstTable: every flag that a program's own help shows is in the table.
func TestHelpAgainstTable(t *testing.T) {
	shown := regexp.MustCompile(`(?m)^ +(-.*?)(?:  +|$)`)
	flag := regexp.MustCompile(`--?[A-Za-z?][A-Za-z-]*`)
	for _, p := range programs(t) {
		for _, v := range append([]Verb{PassThrough}, p.commands(t)...) {
			args := []string{v.String(), "--help"}
			if v == PassThrough {
				args = args[1:]
			}
			help, n := p.run(t, args...), 0
			for _, line := range shown.FindAllStringSubmatch(help, -1) {
				for _, f := range flag.FindAllString(line[1], -1) {
					n++
					if lookup(p.flavor, 1<<v, split(p.flavor, f)) < 0 {
						t.Errorf("%s %q shows %s, which the table does not have", p.file, args, f)
					}
				}
			}
			if n == 0 && v != Start {
				t.Errorf("%s %q: no flags found in %s", p.file, args, help)
			}
		}
	}
}

// TestCanonicalAgainstPrograms: the programs do the same, as far as their messages
// tell, with an accepted argv and with its canonical form.
func TestCanonicalAgainstPrograms(t *testing.T) {
	both := []string{
		"create --bundle /missing/b id", "create -b /missing/b id", "create --bundle=/missing/b id", "create -- id",
		"create --bundle /missing/b -- id", "run --detach --bundle /missing/b id", "run -d -b /missing/b id",
		"--log-format=text run --bundle /missing//b/./ id", "start id", "exec -d --process /missing/p id", "exec -p /missing/p -- id ls",
		"--debug --log-format json start id", "-- start -- id",
	}
	runc := []string{
		"create id --bundle /missing/b", "create id -b=/missing/b", "run id --detach --bundle /missing/b", "run --bundle /missing/b --detach id",
		"create -bundle /missing/b id", "create -pid-file p --bundle=/missing/b id", "run --detach=false -b /missing/b id --keep=T",
		"run --keep -- id", "-debug=0 start id", "restore --image-path i id --detach -b /missing/b",
	}
	for _, p := range programs(t) {
		list := slices.Clone(both)
		if p.flavor == Runc {
			list = append(list, runc...)
		}
		for _, line := range list {
			args := words(line)
			dir := t.TempDir()
			inv, err := Parse(args, dir, p.flavor)
			if err != nil {
				t.Errorf("%v %s: %v", p.flavor, line, err)
				continue
			}
			out := inv.Argv()
			if inv.Verb == Exec {
				out = inv.ExecArgv(inv.Process)
			}
			same := func(s string) string { // the clean path is the same directory
				return strings.ReplaceAll(s, "/missing//b/./", "/missing/b")
			}
			before, after := same(p.runIn(t, dir, args...)), same(p.runIn(t, dir, out...))
			if before != after || before == "" {
				t.Errorf("%s: %s says\n%s, canonical %q\n%s", p.file, line, before, out, after)
			}
		}
	}
}

// TestPassedOnAgainstPrograms: what is passed on although it holds the word of a
// guarded command starts nothing.
func TestPassedOnAgainstPrograms(t *testing.T) {
	lines := []string{
		"create --help", "exec --help", "--help create --bundle /missing/b id", "--version create --bundle /missing/b id",
		"-v run -b /missing/b id", "- create -b /missing/b id", "--log",
	}
	for _, p := range programs(t) {
		for _, line := range lines {
			inv, err := Parse(words(line), "/", p.flavor)
			if err != nil || inv.Verb.Guarded() {
				t.Errorf("%v %s: %v, %v", p.flavor, line, inv.Verb, err)
				continue
			}
			if out := p.run(t, words(line)...); strings.Contains(out, "/missing/b") || out == "" {
				t.Errorf("%s %s: %s", p.file, line, out)
			}
		}
	}
	// And the reason why help with more words is refused: runc creates a container.
	trap := "create --help --help=false --bundle /missing/b id"
	for _, p := range programs(t) {
		if p.flavor == Runc && !strings.Contains(p.run(t, words(trap)...), "/missing/b") {
			t.Errorf("%s %s: no longer a trap", p.file, trap)
		}
	}
}
