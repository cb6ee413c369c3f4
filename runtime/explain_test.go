// SPDX-License-Identifier: Apache-2.0

package runtime_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/audit"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/runtime"
)

// world describes all that create could change: the places of runclad's own,
// the bundle, the mounts.
func world(t *testing.T, dirs ...string) string {
	t.Helper()
	var b strings.Builder
	for _, dir := range append(dirs, "/etc/runclad", "/run/runclad", "/run/runc", "/var/log/runclad") {
		err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil
			}
			var st unix.Stat_t
			if err != nil || unix.Lstat(p, &st) != nil {
				return err
			}
			fmt.Fprintln(&b, p, st.Ino, st.Uid, st.Gid, st.Mode, st.Size, st.Mtim, st.Ctim)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	mounts, err := os.ReadFile("/proc/thread-self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return b.String() + string(mounts)
}

// explained is a bundle with something for every verb: places to overlay, a
// volume, a bind that is refused unless the policy allows it.
func explained(t *testing.T, config string) string {
	t.Helper()
	for _, dir := range []string{"/etc/runclad", "/run/runclad", "/run/runc", "/var/log/runclad"} {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll("/etc/runclad", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(programs, "runc"), "/etc/runclad/runtime"); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "bundle")
	if err := makeBundle(dir); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"rootfs/var/lib/app/state", "rootfs/var/cache/app", "rootfs/srv/data", "volume/sub"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config = strings.ReplaceAll(config, "VOLUME", filepath.Join(dir, "volume"))
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o640); err != nil {
		t.Fatal(err)
	}
	return dir
}

var withVolume = strings.Replace(config, `"mounts":[`, `"mounts":[{"destination":"/srv/data","type":"bind","source":"VOLUME","options":["rbind"]},`, 1)

func explain(t *testing.T, dir, text string) *runtime.Explanation {
	t.Helper()
	p, err := policy.Parse(policy.Text{Name: "policy.toml", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	before := world(t, dir)
	e, err := runtime.Explain(runtime.Query{Root: "/run/runc", Bundle: dir, ID: "c1", Policy: p, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if after := world(t, dir); after != before {
		t.Errorf("something was changed: before\n%s\nafter\n%s", before, after)
	}
	return e
}

func TestExplainChangesNothing(t *testing.T) {
	for _, tt := range []struct{ name, config, policy, verdict, refused string }{
		{"hardened", withVolume, "", audit.Hardened, ""},
		{"refused", strings.Replace(withVolume, "VOLUME", "/etc", 1), "", audit.Refused, "host-paths"},
		{"by a rule", config, "[[rule]]\nname = \"no\"\nmode = \"refuse\"\nreason = \"not here\"\n", audit.Refused, "rules"},
		{"handed off", config, "[[rule]]\nname = \"all\"\nprofile = \"privileged\"\n", audit.Exempted, ""},
		{"audit", strings.Replace(withVolume, "VOLUME", "/etc", 1), "[[rule]]\nname = \"all\"\nmode = \"audit\"\n", audit.Audited, "host-paths"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := explain(t, explained(t, tt.config), tt.policy)
			if e.Verdict != tt.verdict || e.Err != nil {
				t.Errorf("%s (%v), want %s: %v", e.Verdict, e.Err, tt.verdict, e.Refusals)
			}
			if tt.refused == "" && len(e.Refusals) != 0 || tt.refused != "" && (len(e.Refusals) == 0 || e.Refusals[0].Control.ID != tt.refused) {
				t.Errorf("refused by %v, want %q", e.Refusals, tt.refused)
			}
			if (e.After != nil) != (tt.refused == "") {
				t.Errorf("a document comes of it: %v", e.After != nil)
			}
		})
	}
}

// The names that create gives to what it makes.
var made = regexp.MustCompile(`20010000\d\d|/run/runclad/container/[^"]*/|/run/runclad/stage/\d+`)

// What Explain shows is what create then hands to the runtime.
func TestExplainIsWhatCreateDoes(t *testing.T) {
	const text = "[profile.default]\nuid_range = [2001000000, 2001000099]\npids_limit = 77\n"
	dir := explained(t, withVolume)
	e := explain(t, dir, text)
	if e.Verdict != audit.Hardened || len(e.Changes) < 10 {
		t.Fatalf("%s: %v", e.Verdict, e.Refusals)
	}
	if err := os.WriteFile("/etc/runclad/policy.toml", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	cmd := exec.Command(filepath.Join(programs, "runclad"), "create", "--bundle", dir, "c1")
	cmd.Env = append(os.Environ(), "FAKERUNC_OUT="+out)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	data, err := os.ReadFile(filepath.Join(out, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	created, err := spec.ParseValue(data)
	if err != nil {
		t.Fatal(err)
	}
	want, got := made.ReplaceAllString(created.String(), "MADE"), made.ReplaceAllString(e.After.String(), "MADE")
	if got != want {
		t.Errorf("explain says\n%s\nand create did\n%s", got, want)
	}
	if !strings.Contains(got, `"limit":77`) || !strings.Contains(want, "MADE") {
		t.Errorf("nothing of it was put to the test: %s", got)
	}
}

func TestExplainTellsWhyRulesDoNotMatch(t *testing.T) {
	e := explain(t, explained(t, config), `
[[rule]]
name = "agents"
profile = "system"
match.namespace = "kube-system"

[[rule]]
name = "old"
profile = "baseline"
expires = "2020-01-01"

[[rule]]
name = "here"
profile = "strict"
match.engine = "direct"
`)
	if e.Decision.Rule == nil || e.Decision.Rule.Name != "here" || e.Profile.Name != "strict" {
		t.Fatalf("%+v", e.Decision)
	}
	var why []string
	for _, trial := range e.Trials {
		why = append(why, fmt.Sprintf("%s %v %s", trial.Rule.Name, trial.Matched, trial.Why))
	}
	got := strings.Join(why, "\n")
	for _, want := range []string{"agents false namespace is not known, and the rule wants kube-system", "old false rule old expired at 2020-01-02", "here true"} {
		if !strings.Contains(got, want) {
			t.Errorf("the trials lack %q:\n%s", want, got)
		}
	}
	if !strings.Contains(strings.Join(e.Notes, "\n"), "rule old expired") {
		t.Errorf("notes: %q", e.Notes)
	}
}
