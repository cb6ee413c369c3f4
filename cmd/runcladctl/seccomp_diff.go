// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/profiles/filter"
	"github.com/runclad/runclad/profiles/syscalls"
)

// difference is a call that two profiles do not decide alike.
type difference struct {
	Call string `json:"call"`
	// Args is an example, where it depends on the arguments.
	Args string `json:"args,omitempty"`
	A    string `json:"a"`
	B    string `json:"b"`
	// Cases counts the arguments tried that differ in this way.
	Cases int `json:"cases"`

	aAllows, bAllows bool
}

func seccompDiffCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "diff A B",
		Short:             "Compare two profiles by what they decide",
		Long:              "Prints what one profile allows and the other does not, whatever their text.",
		Example:           "  runcladctl seccomp diff runclad docker",
		Args:              arguments(2, 2),
		ValidArgsFunction: completeProfiles,
	}
	all := cmd.Flags().Bool("all", false, "print different errors too")
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a, err := loadFilter(args[0])
		if err != nil {
			return err
		}
		b, err := loadFilter(args[1])
		if err != nil {
			return err
		}
		diffs := compare(a, b)
		if !*all {
			diffs = slices.DeleteFunc(diffs, func(d difference) bool { return d.aAllows == d.bAllows })
		}
		return answer(cmd, diffs, func(out io.Writer) error { return printDifferences(out, args[0], args[1], diffs) })
	}
	return cmd
}

func printDifferences(out io.Writer, nameA, nameB string, diffs []difference) error {
	for _, part := range []struct {
		heading string
		in      func(difference) bool
	}{
		{"only " + nameA + " allows", func(d difference) bool { return d.aAllows && !d.bAllows }},
		{"only " + nameB + " allows", func(d difference) bool { return d.bAllows && !d.aAllows }},
		{"another answer", func(d difference) bool { return d.aAllows == d.bAllows }},
	} {
		var lines []string
		for _, d := range diffs {
			if !part.in(d) {
				continue
			}
			call := d.Call
			if d.Args != "" {
				call += "(" + d.Args + ")"
			}
			lines = append(lines, fmt.Sprintf("  %-44s %s | %s", call, d.A, d.B))
		}
		if len(lines) > 0 {
			fmt.Fprintf(out, "%s (%d):\n%s\n", part.heading, len(lines), strings.Join(lines, "\n"))
		}
	}
	if len(diffs) > 0 {
		return nil
	}
	_, err := fmt.Fprintln(out, "no difference")
	return err
}

// compare evaluates both over every call of this architecture and the values
// that the rules of either name. One line stands for all arguments of a call
// that get the same two answers.
func compare(a, b *filter.Filter) []difference {
	var names []string
	for i := range syscalls.Table {
		if _, ok := syscalls.Table[i].Number(runtime.GOARCH); ok {
			names = append(names, syscalls.Table[i].Name)
		}
	}
	names = append(names, "(a call that neither knows)")
	rng := rand.New(rand.NewPCG(1, 2)) // the same examples every time
	out := []difference{}
	for _, name := range names {
		values, depends := named(name, a, b)
		first := len(out)
		for args := range combinations(values, rng) {
			x, y := a.Decide(name, args), b.Decide(name, args)
			if x == y {
				continue
			}
			d := difference{Call: name, A: short(x), B: short(y), aAllows: x.Allows(), bAllows: y.Allows()}
			if i := slices.IndexFunc(out[first:], func(o difference) bool { return o.A == d.A && o.B == d.B }); i >= 0 {
				out[first+i].Cases++
				continue
			}
			d.Cases, d.Args = 1, example(args, depends)
			out = append(out, d)
		}
	}
	return out
}

// named returns the values of each argument at and around those that the rules
// name, with a bit of the high half set too, and which arguments rules look at.
func named(name string, filters ...*filter.Filter) (values [6][]uint64, depends [6]bool) {
	for i := range values {
		values[i] = []uint64{0}
	}
	for _, f := range filters {
		c := f.Call(name)
		if c == nil {
			continue
		}
		for _, t := range c.Terms {
			for _, c := range t.Conds {
				depends[c.Arg] = true
				for _, v := range []uint64{c.Val, c.Val + 1, max(c.Val, 1) - 1, c.Val ^ c.Mask&-c.Mask, c.Val | 1<<32, c.Mask & 0xffffffff} {
					if !slices.Contains(values[c.Arg], v) {
						values[c.Arg] = append(values[c.Arg], v)
					}
				}
			}
		}
	}
	return values, depends
}

// tries bounds the combinations of one call.
const tries = 20000

// combinations yields all combinations of the values, or a random part of them
// where there are too many.
func combinations(values [6][]uint64, rng *rand.Rand) func(func([6]uint64) bool) {
	total := 1
	for _, v := range values {
		total = min(total*len(v), tries+1)
	}
	return func(yield func([6]uint64) bool) {
		var index [6]int
		for n := range min(total, tries) {
			var args [6]uint64
			for i, v := range values {
				if total > tries {
					index[i] = rng.IntN(len(v))
				}
				args[i] = v[index[i]]
			}
			if !yield(args) {
				return
			}
			if total > tries && n < tries {
				continue
			}
			for i := range index { // count on
				if index[i]++; index[i] < len(values[i]) {
					break
				}
				index[i] = 0
			}
		}
	}
}

func example(args [6]uint64, depends [6]bool) string {
	last := -1
	for i, d := range depends {
		if d {
			last = i
		}
	}
	parts := make([]string, last+1)
	for i := range parts {
		parts[i] = "*"
		if depends[i] {
			parts[i] = fmt.Sprintf("%#x", args[i])
		}
	}
	return strings.Join(parts, ", ")
}

func short(a filter.Action) string {
	return strings.ToLower(strings.TrimPrefix(a.String(), "SCMP_ACT_"))
}
