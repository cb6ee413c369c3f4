// SPDX-License-Identifier: Apache-2.0

// Package docs holds no code: its tests keep the documentation in step with it.
package docs

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/policy"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Each control has a chapter and a row with its standards, and no other has.
func TestControls(t *testing.T) {
	text := read(t, "controls.md")
	known := []string{"The command line", "What breaks"}
	for _, c := range control.All {
		known = append(known, c.ID)
		row := regexp.MustCompile(`(?m)^\| \[` + c.ID + `\]\(#` + c.ID + `\) \| [a-z, ]+ \| ` + regexp.QuoteMeta(c.Standards) + ` \|$`)
		if !row.MatchString(text) {
			t.Errorf("no row for %s with %s", c.ID, c.Standards)
		}
		if !strings.Contains(text, "\n## "+c.ID+"\n") {
			t.Errorf("no chapter %s", c.ID)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(text, -1) {
		if !slices.Contains(known, m[1]) {
			t.Errorf("there is no control %s", m[1])
		}
	}
}

// keys returns the keys of a TOML struct with their defaults as TOML writes
// them, "" for those that are off or empty.
func keys(v reflect.Value) map[string]string {
	out := map[string]string{}
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("toml")
		if key == "-" || key == "profile" {
			continue
		}
		out[key] = ""
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			out[key] = fmt.Sprintf("%q", f.String())
		case reflect.Array:
			out[key] = fmt.Sprintf("[%d, %d]", f.Index(0).Uint(), f.Index(1).Uint())
		case reflect.Int64:
			out[key] = fmt.Sprint(f.Int())
		}
	}
	return out
}

// Each key of the policy is in the list of controls, and in the man page with
// its default; the man page has no other.
func TestPolicyKeys(t *testing.T) {
	p := policy.Default()
	all := map[string]string{"audit": strconv.Quote(p.Audit), "on_error": strconv.Quote(p.OnError)}
	for k, v := range keys(reflect.ValueOf(*p.Profile())) {
		all[k] = v
	}
	controls, man := read(t, "controls.md"), read(t, "man/runclad-policy.5.md")
	documented := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\*\*([a-z_]+)\*\* = (.+)$`).FindAllStringSubmatch(man, -1) {
		documented[m[1]] = m[2]
	}
	for key, def := range all {
		if !regexp.MustCompile("`" + key + "( = |`)").MatchString(controls) {
			t.Errorf("controls.md says nothing of %s", key)
		}
		if said, ok := documented[key]; !ok {
			t.Errorf("runclad-policy.5.md says nothing of %s", key)
		} else if def != "" && said != def {
			t.Errorf("runclad-policy.5.md says that %s is %s by default, not %s", key, said, def)
		}
	}
	for key := range documented {
		if _, ok := all[key]; !ok {
			t.Errorf("runclad-policy.5.md documents %s, which does not exist", key)
		}
	}
}

// The example of the man page is a good policy.
func TestPolicyExample(t *testing.T) {
	_, rest, _ := strings.Cut(read(t, "man/runclad-policy.5.md"), "# EXAMPLE\n")
	example, _, _ := strings.Cut(rest, "\n# ")
	p, err := policy.Parse(policy.Text{Name: "policy.toml", Data: []byte(strings.ReplaceAll(example, "\n    ", "\n"))})
	if err != nil || len(p.Profile().HostPaths) == 0 {
		t.Errorf("%v: %s", err, example)
	}
}

// Relative links lead to files.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	check := func(file string) {
		for _, m := range link.FindAllStringSubmatch(read(t, file), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	for _, f := range []string{"../README.md", "../SECURITY.md", "../CHANGELOG.md"} {
		check(f)
	}
	err := filepath.WalkDir(".", func(p string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(p, ".md") {
			check(p)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// The man pages are what build.sh makes of their sources.
func TestManPages(t *testing.T) {
	out, err := exec.Command("pandoc", "--version").Output()
	if err != nil {
		t.Skip("pandoc is not installed: the man pages were not compared with their sources")
	}
	if !strings.HasPrefix(string(out), "pandoc 2.17") {
		t.Skip("another pandoc than the 2.17 of Debian 12, whose output may differ")
	}
	dir := t.TempDir()
	sources, _ := filepath.Glob("man/*.md")
	if len(sources) == 0 {
		t.Fatal("no sources")
	}
	for _, s := range sources {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(s)), []byte(read(t, s)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("man/build.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, s := range sources {
		page := strings.TrimSuffix(s, ".md")
		if read(t, page) != read(t, filepath.Join(dir, filepath.Base(page))) {
			t.Errorf("%s is not up to date: run docs/man/build.sh", page)
		}
	}
}

// The table of the built-in profiles says what they are.
func TestProfileTable(t *testing.T) {
	profiles := policy.Default().Profiles
	show := func(name, key string) string {
		v := reflect.ValueOf(*profiles[name])
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("toml") != key {
				continue
			}
			switch f := v.Field(i); {
			case key == "tmpfs_size":
				return fmt.Sprintf("%d MiB", f.Int()>>20)
			case f.Kind() != reflect.Slice:
				return fmt.Sprint(f.Interface())
			case f.Len() == 0:
				return "none"
			case f.Len() > 1:
				return "list below"
			case f.Index(0).String() == "*":
				return "all"
			default:
				return f.Index(0).String()
			}
		}
		t.Fatalf("there is no key %s", key)
		return ""
	}
	seen := map[string]bool{"base": true}
	man := read(t, "man/runclad-policy.5.md")
	for _, m := range regexp.MustCompile(`(?m)^\| ([a-z_, ]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$`).FindAllStringSubmatch(man, -1)[1:] {
		for key := range strings.SplitSeq(m[1], ", ") {
			seen[key] = true
			for i, name := range []string{"default", "strict", "baseline", "system"} {
				want := show(name, key)
				if i > 0 && want == show("default", key) {
					want = "-"
				}
				if m[2+i] != want {
					t.Errorf("the table says that %s of %s is %s, not %s", key, name, m[2+i], want)
				}
			}
		}
	}
	for key := range keys(reflect.ValueOf(*policy.Default().Profile())) {
		for _, name := range []string{"strict", "baseline", "system"} {
			if !seen[key] && show(name, key) != show("default", key) {
				t.Errorf("the table lacks %s, which %s changes", key, name)
			}
		}
	}
	for _, c := range profiles["baseline"].Capabilities {
		if !regexp.MustCompile(`[ \n]` + strings.TrimPrefix(c, "CAP_") + `[,.\n]`).MatchString(man) {
			t.Errorf("the list of baseline's capabilities lacks %s", c)
		}
	}
}
