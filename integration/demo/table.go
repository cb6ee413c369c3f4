// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// table prints rows of cells in aligned columns.
func table(out io.Writer, head []string, cells [][]string) {
	w := tabwriter.NewWriter(out, 0, 0, 4, ' ', 0)
	rule := make([]string, len(head))
	for i, h := range head {
		rule[i] = strings.Repeat("-", len(h))
	}
	for _, line := range append([][]string{head, rule}, cells...) {
		fmt.Fprintln(w, "  "+strings.TrimRight(strings.Join(line, "\t"), "\t"))
	}
	_ = w.Flush()
}

// wrap breaks a text at spaces into lines of at most width bytes.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
