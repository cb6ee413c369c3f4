// SPDX-License-Identifier: Apache-2.0

package policylint

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/internal/policy"
)

// words returns all texts over an alphabet of up to n characters.
func words(alphabet string, n int) []string {
	out := []string{""}
	for from := 0; n > 0; n-- {
		end := len(out)
		for _, w := range out[from:end] {
			for _, r := range alphabet {
				out = append(out, w+string(r))
			}
		}
		from = end
	}
	return out
}

// One pattern covers another exactly if no text tells them apart.
func TestCovers(t *testing.T) {
	patterns, texts := words("a*?", 4), words("ab", 7)
	n := 0
	for _, wide := range patterns {
		for _, narrow := range patterns {
			i := slices.IndexFunc(texts, func(s string) bool { return policy.Glob(narrow, s) && !policy.Glob(wide, s) })
			if want := i < 0; covers(wide, narrow) != want {
				t.Errorf("covers(%q, %q) = %v", wide, narrow, !want)
			}
			n++
		}
	}
	if n < 10000 {
		t.Errorf("%d pairs were compared", n)
	}
}

// Two patterns meet exactly if a text matches both.
func TestMeet(t *testing.T) {
	patterns, texts := words("a*?b", 3), words("ab", 6)
	for _, a := range patterns {
		for _, b := range patterns {
			want := slices.ContainsFunc(texts, func(s string) bool { return policy.Glob(a, s) && policy.Glob(b, s) })
			if meet(a, b) != want {
				t.Errorf("meet(%q, %q) = %v", a, b, !want)
			}
		}
	}
}

var now = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func check(t *testing.T, text string) []string {
	t.Helper()
	p, err := policy.Parse(policy.Text{Name: "p.toml", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range Check(p, now) {
		if f.Level == Warning {
			out = append(out, fmt.Sprintf("%s %s: %s", f.Check, f.Where(), f.Text))
		}
	}
	return out
}

// rule writes a rule with all that a good one has.
func rule(name, more string) string {
	return fmt.Sprintf("[[rule]]\nname = %q\nreason = \"r\"\nowner = \"o\"\nexpires = \"2027-01-01\"\n%s\n", name, more)
}

const digest = "docker.io/library/agent@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestGood(t *testing.T) {
	for name, text := range map[string]string{
		"empty":        "",
		"tight":        rule("a", `profile = "strict"`),
		"namespace":    rule("a", "profile = \"system\"\nmatch.namespace = \"kube-system\"\nmatch.engine = \"cri\""),
		"digest":       rule("a", "profile = \"baseline\"\nmatch.image = \""+digest+"\""),
		"two":          rule("a", "profile = \"strict\"\nmatch.namespace = \"a*\"") + rule("b", "profile = \"strict\"\nmatch.namespace = \"*a\""),
		"sandbox too":  rule("a", "profile = \"system\"\nmatch.container = \"agent\"\nmatch.namespace = \"n\"") + rule("b", "profile = \"system\"\nmatch.sandbox = true\nmatch.namespace = \"n\""),
		"expired hole": "[[rule]]\nname = \"a\"\nprofile = \"strict\"\nexpires = \"2026-12-01\"\n" + rule("b", `profile = "strict"`),
		// Under Podman a is passed over, and b decides.
		"passed over": rule("a", "profile = \"baseline\"\nmatch.pod = \"*x\"") + rule("b", "profile = \"strict\"\nmatch.pod = \"ax\""),
	} {
		if got := check(t, text); len(got) > 0 {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestWarnings(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"same":                  {rule("a", "match.pod = \"p\"") + rule("b", "match.pod = \"p\""), "unreachable p.toml:7: rule b: it never decides: rule a (p.toml, line 1)"},
		"wider":                 {rule("a", "match.pod = [\"q\", \"p-*\"]") + rule("b", "match.pod = [\"p-1\", \"p-?\"]"), "unreachable p.toml:7"},
		"no match":              {rule("a", "profile = \"strict\"") + rule("b", "match.engine = \"docker\""), "unreachable"},
		"all engines":           {rule("a", "match.engine = [\"*o*\", \"cri\", \"direct\"]\nprofile = \"strict\"") + rule("b", ""), "unreachable"},
		"sandbox":               {rule("a", "match.sandbox = true") + rule("b", "match.sandbox = true\nmatch.pod = \"x\""), "unreachable"},
		"annotation":            {rule("a", "match.annotation.k = \"v*\"") + rule("b", "match.annotation.k = \"v1\"\nmatch.pod = \"x\""), "unreachable"},
		"impossible":            {rule("a", "match.sandbox = true\nmatch.engine = \"docker\""), "it is for pause containers"},
		"named sandbox":         {rule("a", "match.sandbox = true\nmatch.container = \"c\""), "no container name"},
		"label":                 {rule("a", "match.label.x = \"y\"\nmatch.engine = \"cri\""), "only Docker"},
		"expired":               {"[[rule]]\nname = \"a\"\nexpires = \"2026-01-01\"\n", "expired p.toml:1: rule a"},
		"soon":                  {"[[rule]]\nname = \"a\"\nexpires = \"2026-11-05\"\n", "expires-soon"},
		"loosens for all":       {rule("a", `profile = "baseline"`), "too-wide p.toml:1: rule a: it loosens and has no match"},
		"loosens for an engine": {rule("a", "profile = \"baseline\"\nmatch.engine = \"podman\""), "too-wide p.toml:1: rule a: it loosens and names an engine alone"},
		"star":                  {rule("a", "profile = \"baseline\"\nmatch.namespace = \"*\""), `match.namespace = "*" matches every one`},
		"tag":                   {rule("a", "profile = \"baseline\"\nmatch.image = \"nginx:1.27\""), "image-by-name"},
		"no sandbox":            {rule("a", "profile = \"system\"\nmatch.container = \"agent\""), "sandbox p.toml:1: rule a: it gives host namespaces"},
		"claims":                {rule("a", "profile = \"baseline\"\nmatch.pod = \"p\"\nclaims = true"), "claims p.toml:1"},
		"unaccounted":           {"[[rule]]\nname = \"a\"\nprofile = \"baseline\"\nmatch.pod = \"p\"\n", "it loosens and has no reason, no owner, no expires"},
		"unused":                {"[profile.mine]\nhost_pid = true\n", "unused profile mine"},
		"default":               {"[profile.default]\nhost_pid = true\n", "too-wide profile default"},
		"all images":            {"[profile.default]\nimages = [\"sha256:*\"]\n", "images profile default"},
		"refuses all":           {rule("a", `mode = "refuse"`), "refuses-all"},
		"audit for all":         {rule("a", `mode = "audit"`), "too-wide"},
	} {
		got := strings.Join(check(t, tt.text), "\n")
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: it lacks %q: %s", name, tt.want, got)
		}
	}
}

func TestLooseningsNameWhoGetsThem(t *testing.T) {
	p, err := policy.Parse(policy.Text{Name: "p.toml", Data: []byte(rule("agents", "profile = \"baseline\"\nmatch.namespace = [\"kube-system\", \"cni\"]\nmatch.sandbox = false"))})
	if err != nil {
		t.Fatal(err)
	}
	found := Check(p, now)
	if n := Count(found, Loosening); n != len(p.Profiles["baseline"].Warnings()) {
		t.Errorf("%d loosenings", n)
	}
	const who = "every container that is no pause container of namespace kube-system or cni"
	if !slices.ContainsFunc(found, func(f Finding) bool { return f.For == who && strings.HasPrefix(f.Text, "identity: ") }) {
		t.Errorf("%+v", found)
	}
}
