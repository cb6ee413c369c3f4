// SPDX-License-Identifier: Apache-2.0

// Package text prints what the operator's tool shows on a terminal. Names,
// images and paths come from whoever starts a container: what would move a
// cursor, hide text or end a line is shown as an escape instead.
//
// What belongs here: cleaning, colours, plurals. What does not: tables and
// sentences, which are where their content is.
package text

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// Clean returns s with everything that is not printable shown as an escape.
func Clean(s string) string {
	ok := func(r rune) bool { return r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r) }
	if strings.IndexFunc(s, func(r rune) bool { return !ok(r) || r == utf8.RuneError }) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case ok(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

// Lines returns what an error says, one text for each of those that errors.Join
// made one of.
func Lines(err error) []string { return strings.Split(err.Error(), "\n") }

// Or returns s cleaned, or another text where there is none.
func Or(s, other string) string {
	if s == "" {
		return other
	}
	return Clean(s)
}

// widest is how long a name can be in a table: beyond it, what other columns say
// is out of sight.
const widest = 56

// Short returns a name of a table's cell, with … for the middle of a long one:
// images differ at the end, by their tags, and names at either.
func Short(s string) string {
	r := []rune(s)
	if len(r) <= widest {
		return s
	}
	const head = widest / 2
	return string(r[:head]) + "…" + string(r[len(r)-(widest-head-1):])
}

// Count names a number of things: "1 container", "2 processes".
func Count(n int, thing string) string {
	switch {
	case n == 1:
		return "1 " + thing
	case strings.HasSuffix(thing, "s"):
		return fmt.Sprintf("%d %ses", n, thing)
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Colour is an SGR attribute (ECMA-48).
type Colour string

// The colours that are used: those that terminals show legibly on light and
// dark ground.
const (
	Red    Colour = "31"
	Green  Colour = "32"
	Yellow Colour = "33"
	Cyan   Colour = "36"
	Bold   Colour = "1"
	Dim    Colour = "2"
)

// Painter colours words, or does not.
type Painter bool

// For returns a Painter for a writer: one that colours on a terminal, unless
// NO_COLOR is set (https://no-color.org) or the terminal is dumb.
func For(out io.Writer) Painter {
	f, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// Paint returns s in a colour.
func (p Painter) Paint(c Colour, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}
