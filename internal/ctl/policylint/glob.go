// SPDX-License-Identifier: Apache-2.0

package policylint

import (
	"slices"
	"strings"
)

// maxSteps bounds the comparison of two patterns. Beyond it they count as
// different, and no warning is given.
const maxSteps = 1 << 16

// covers reports whether a pattern matches everything that another one does. *
// stands for any number of characters and ? for one, as in policy.Glob.
//
// Both are read as automata, whose states are places in the pattern. Each text
// that leads through the narrow one must lead to an end of the wide one too; of
// the characters that occur in neither, one stands for all.
func covers(wide, narrow string) bool {
	w, n := []rune(wide), []rune(narrow)
	letters := []rune{-1}
	for _, r := range wide + narrow {
		if r != '*' && r != '?' && !slices.Contains(letters, r) {
			letters = append(letters, r)
		}
	}
	type state struct {
		narrow int
		wide   string // the places, as a string to be comparable
	}
	seen := map[state]bool{}
	queue := []state{}
	reach := func(at []int, in []int) {
		for _, i := range at {
			if s := (state{i, key(in)}); !seen[s] {
				seen[s] = true
				queue = append(queue, s)
			}
		}
	}
	reach(closure(n, []int{0}), closure(w, []int{0}))
	for len(queue) > 0 {
		if len(seen) > maxSteps {
			return false
		}
		s := queue[0]
		queue = queue[1:]
		places := unkey(s.wide)
		if s.narrow == len(n) && !slices.Contains(places, len(w)) {
			return false
		}
		for _, r := range letters {
			if next := step(n, []int{s.narrow}, r); len(next) > 0 {
				reach(next, step(w, places, r))
			}
		}
	}
	return true
}

// meet reports whether a text matches both patterns. Row i of the table says of
// the rest of a behind i whether it meets the rest of b behind each place.
func meet(a, b string) bool {
	x, y := []rune(a), []rune(b)
	next := make([]bool, len(y)+1)
	for i := len(x); i >= 0; i-- {
		row := make([]bool, len(y)+1)
		for j := len(y); j >= 0; j-- {
			switch {
			case i == len(x) && j == len(y):
				row[j] = true
			case i < len(x) && x[i] == '*':
				row[j] = next[j] || j < len(y) && row[j+1]
			case j < len(y) && y[j] == '*':
				row[j] = row[j+1] || i < len(x) && next[j]
			case i < len(x) && j < len(y) && (x[i] == '?' || y[j] == '?' || x[i] == y[j]):
				row[j] = next[j+1]
			}
		}
		next = row
	}
	return next[0]
}

// step returns the places after one more character.
func step(pattern []rune, places []int, r rune) []int {
	var next []int
	for _, i := range places {
		switch {
		case i == len(pattern):
		case pattern[i] == '*':
			next = append(next, i)
		case pattern[i] == '?' || pattern[i] == r:
			next = append(next, i+1)
		}
	}
	return closure(pattern, next)
}

// closure adds the places that a * that stands for nothing leads to, and sorts
// them.
func closure(pattern []rune, places []int) []int {
	for k := 0; k < len(places); k++ {
		if i := places[k]; i < len(pattern) && pattern[i] == '*' && !slices.Contains(places, i+1) {
			places = append(places, i+1)
		}
	}
	slices.Sort(places)
	return slices.Compact(places)
}

func key(places []int) string {
	var b strings.Builder
	for _, i := range places {
		b.WriteRune(rune(i))
	}
	return b.String()
}

func unkey(s string) []int {
	var out []int
	for _, r := range s {
		out = append(out, int(r))
	}
	return out
}

// anything reports whether a pattern matches every text.
func anything(pattern string) bool {
	return strings.Contains(pattern, "*") && strings.Trim(pattern, "*") == ""
}

// allCovered reports whether each of the narrow patterns is covered by one of
// the wide ones. None at all stand for everything.
func allCovered(wide, narrow []string) bool {
	if len(wide) == 0 {
		return true
	}
	if len(narrow) == 0 {
		return slices.ContainsFunc(wide, anything)
	}
	return !slices.ContainsFunc(narrow, func(n string) bool {
		return !slices.ContainsFunc(wide, func(w string) bool { return covers(w, n) })
	})
}
