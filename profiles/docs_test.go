// SPDX-License-Identifier: Apache-2.0

package profiles

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/profiles/bpf"
	"github.com/runclad/runclad/profiles/filter"
	"github.com/runclad/runclad/profiles/syscalls"
)

var update = flag.Bool("update", false, "write the generated tables of docs/seccomp.md")

// compared is a profile in the comparison.
type compared struct {
	name    string
	profile *specs.LinuxSeccomp
	filter  *filter.Filter
}

func comparison(t *testing.T) []compared {
	t.Helper()
	engines := engineProfiles(t)
	table := func(set syscalls.Caps) *specs.LinuxSeccomp {
		raw, err := syscalls.Profile("amd64", set)
		if err != nil {
			t.Fatal(err)
		}
		return parse(t, raw)
	}
	corpus := func(name string) *specs.LinuxSeccomp {
		raw, ok := engines[name]
		if !ok {
			t.Fatalf("no profile %s", name)
		}
		return parse(t, []byte(raw))
	}
	// The names that systemd-analyze syscall-filter @system-service of systemd
	// 252 lists, groups resolved; facts, without its text.
	names, err := os.ReadFile("testdata/systemd-252-system-service.txt")
	if err != nil {
		t.Fatal(err)
	}
	systemd := &specs.LinuxSeccomp{
		DefaultAction: specs.ActErrno, Architectures: []specs.Arch{specs.ArchX86_64},
		Syscalls: []specs.LinuxSyscall{{Names: strings.Fields(string(names)), Action: specs.ActAllow}},
	}
	out := []compared{
		{name: "runclad", profile: table(0)},
		{name: "runclad, level strict", profile: table(syscalls.Strict)},
		{name: "Docker's current default (moby/profiles 0.2.3), no capabilities", profile: docker(t, nil)},
		{name: "the same, Docker's 14 capabilities", profile: docker(t, dockerCaps)},
		{name: "Docker 20.10's default, no capabilities", profile: corpus("docker/10d-capdropall")},
		{name: "the same, Docker's 14 capabilities", profile: corpus("docker/01-run-rm")},
		{name: "systemd 252's @system-service", profile: systemd},
	}
	for i := range out {
		raw, err := json.Marshal(out[i].profile)
		if err != nil {
			t.Fatal(err)
		}
		out[i].filter = parsed(t, string(raw))
	}
	return out
}

// count says of how many calls of amd64 a profile allows all, some, or none.
func count(t *testing.T, f *filter.Filter) (all, some, none int) {
	t.Helper()
	for i := range syscalls.Table {
		s := &syscalls.Table[i]
		if _, ok := s.Number("amd64"); !ok {
			continue
		}
		c := f.Call(s.Name)
		switch {
		case c == nil && f.Default.Allows(), c != nil && c.Covers(f.Default, filter.Cube{}):
			all++
		case c == nil:
			none++
		default:
			if part, ok := c.Meet(f.Default, filter.Cube{}); !ok || len(part) > 0 {
				some++
			} else {
				none++
			}
		}
	}
	return all, some, none
}

func comparisonTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| profile (amd64) | allowed whatever the arguments | by argument | in all | refused | BPF instructions, list | tree |\n|---|---|---|---|---|---|---|\n")
	for _, c := range comparison(t) {
		all, some, none := count(t, c.filter)
		list, err := bpf.Compile(c.profile, false)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := bpf.Compile(c.profile, true)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d |\n", c.name, all, some, all+some, none, len(list), len(tree))
	}
	fmt.Fprintf(&b, "\nInstructions are libseccomp %s's.\n", bpf.Version())
	return b.String()
}

func cveTable(t *testing.T) string {
	t.Helper()
	list := comparison(t)
	var b strings.Builder
	b.WriteString("| CVE | flaw | call | runclad | Docker's current default | Docker 20.10's |\n|---|---|---|---|---|---|\n")
	for _, c := range syscalls.CVEs {
		var args [6]uint64
		copy(args[:], c.Args)
		call := c.Call
		if c.Args != nil {
			texts := make([]string, len(c.Args))
			for i, v := range c.Args {
				texts[i] = fmt.Sprintf("%#x", v)
				if v == 0 {
					texts[i] = "…"
				}
			}
			call += "(" + strings.Join(texts, ", ") + ")"
		}
		ours := "refused"
		if c.Level == syscalls.AtStrict {
			ours = "refused at level strict"
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s | %s | %s |\n", c.ID, c.What, call, ours, reached(list[3].filter, c.Call, args), reached(list[5].filter, c.Call, args))
	}
	return b.String()
}

// reached says whether a filter lets a call through, plainly or by a bit that
// the kernel does not look at.
func reached(f *filter.Filter, call string, args [6]uint64) string {
	if f.Decide(call, args).Allows() {
		return "reached"
	}
	for i, v := range args {
		if v != 0 {
			args[i] |= 1 << 32
			if f.Decide(call, args).Allows() {
				return "reached by a bit above the 32nd"
			}
		}
	}
	return "refused"
}

// TestCVEs: what the list says is refused is refused, with any high half.
func TestCVEs(t *testing.T) {
	if !slices.IsSortedFunc(syscalls.CVEs, func(a, b syscalls.CVE) int {
		// CVE-YEAR-NUMBER: by year, then by the length of the number, then by it.
		return cmp.Or(strings.Compare(a.ID[:8], b.ID[:8]), len(a.ID)-len(b.ID), strings.Compare(a.ID, b.ID))
	}) {
		t.Error("the list is not sorted")
	}
	for _, c := range syscalls.CVEs {
		s := syscalls.Lookup(c.Call)
		if s == nil {
			t.Fatalf("%s: no call %s", c.ID, c.Call)
		}
		for _, high := range []uint64{0, 1 << 32, 0xffffffff << 32} {
			var args [6]uint64
			copy(args[:], c.Args)
			for i := range args {
				args[i] |= high
			}
			if d := s.Decide(0, args); (d == syscalls.Allowed) != (c.Level == syscalls.AtStrict) {
				t.Errorf("%s: %s%#x: %d", c.ID, c.Call, args, d)
			}
			if s.Decide(syscalls.Strict, args) == syscalls.Allowed {
				t.Errorf("%s: %s%#x is allowed at level strict", c.ID, c.Call, args)
			}
		}
		if c.Level == 0 && !strings.Contains(s.Reason, "CVE-") && s.Class != syscalls.Filter {
			t.Logf("%s: the reason of %s names no CVE", c.ID, c.Call)
		}
	}
}

// TestDocs holds the tables of docs/seccomp.md against what they are about; with
// -update it writes them. The sizes depend on libseccomp, and are compared where
// the installed one is the one they were made with.
func TestDocs(t *testing.T) {
	const file = "../docs/seccomp.md"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for name, want := range map[string]string{"comparison": comparisonTable(t), "cves": cveTable(t)} {
		part := regexp.MustCompile(`(?s)(<!-- generated: ` + name + ` -->\n\n)(.*?)(\n<!-- end -->)`)
		m := part.FindStringSubmatchIndex(text)
		if m == nil {
			t.Fatalf("%s has no place for the table %q", file, name)
		}
		if *update {
			text = text[:m[4]] + want + text[m[5]:]
			continue
		}
		got := text[m[4]:m[5]]
		if name == "comparison" && !strings.Contains(got, "libseccomp "+bpf.Version()+"'s") {
			t.Logf("libseccomp is %s here; sizes are not compared", bpf.Version())
			sizes := regexp.MustCompile(`(?m) \d+ \| \d+ \|$|libseccomp [0-9.]+'s`)
			got, want = sizes.ReplaceAllString(got, ""), sizes.ReplaceAllString(want, "")
		}
		if got != want {
			t.Errorf("the table %q is out of date; run: go test -run TestDocs ./profiles -update\n%s", name, want)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
