// SPDX-License-Identifier: Apache-2.0

package text

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// A long name keeps its beginning and its end, and no more than the width.
func TestShort(t *testing.T) {
	const end = ":2026.11.27-build.4711"
	long := "registry.example.com/" + strings.Repeat("team/", 20) + "ü" + end
	got := Short(long)
	if utf8.RuneCountInString(got) != widest || !strings.HasPrefix(got, "registry.example.com/") || !strings.HasSuffix(got, end) || !strings.Contains(got, "…") {
		t.Errorf("%q", got)
	}
	for _, s := range []string{"", "web", long[:widest]} {
		if got := Short(s); got != s {
			t.Errorf("%q: %q", s, got)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"nginx:1.27":         "nginx:1.27",
		"größe…":             "größe…",
		"a\x1b[2Jb":          `a\x1b[2Jb`,
		"a\nb\rc\td":         `a\x0ab\x0dc\x09d`,
		"\u009b31m":          `\u009b31m`,
		"right\u202eto left": `right\u202eto left`,
		"bad \xff byte":      `bad \xff byte`,
		"":                   "",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestOnlyTerminalsAreColoured(t *testing.T) {
	if p := For(&bytes.Buffer{}); p.Paint(Red, "x") != "x" {
		t.Error("a buffer is no terminal")
	}
	if got := Painter(true).Paint(Red, "x"); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("%q", got)
	}
}
