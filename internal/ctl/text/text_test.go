// SPDX-License-Identifier: Apache-2.0

package text

import (
	"bytes"
	"testing"
)

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
