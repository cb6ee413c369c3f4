// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/runclad/runclad/profiles/syscalls"
)

// line is one call in the table of show.
type line struct {
	Call   string   `json:"call"`
	Number int      `json:"number"`
	Since  string   `json:"since,omitempty"`
	Does   string   `json:"does"`
	Back   []string `json:"broughtBackBy,omitempty"`
	Reason string   `json:"reason,omitempty"`
}

// seccompShow prints the generated profile.
func seccompShow(args []string, out io.Writer) error {
	fs := flags("seccomp show")
	var c choice
	c.flags(fs)
	table, asJSON := fs.Bool("table", false, ""), fs.Bool("json", false, "")
	if err := parse(fs, args, 0, 0); err != nil {
		return err
	}
	raw, err := c.profile()
	if err != nil {
		return err
	}
	if !*table {
		var b bytes.Buffer
		if err := json.Indent(&b, raw, "", "  "); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, b.String())
		return err
	}
	set, err := c.set()
	if err != nil {
		return err
	}
	var lines []line
	for i := range syscalls.Table {
		s := &syscalls.Table[i]
		if n, ok := s.Number(c.arch); ok {
			l := line{Call: s.Name, Number: n, Since: s.Since, Does: does(s, set), Back: capNames(s.Caps &^ set)}
			if s.At(set) != syscalls.Allow {
				l.Reason = s.Reason
			}
			lines = append(lines, l)
		}
	}
	if *asJSON {
		return writeJSON(out, lines)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CALL\tNUMBER\tSINCE\tDOES\tBROUGHT BACK BY\tREASON")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", l.Call, l.Number, dash(l.Since), l.Does, dash(strings.Join(l.Back, " ")), dash(l.Reason))
	}
	return w.Flush()
}

// does says in a word what becomes of a call.
func does(s *syscalls.Syscall, set syscalls.Caps) string {
	switch s.At(set) {
	case syscalls.Allow:
		return "allowed"
	case syscalls.Filter:
		return "by argument"
	case syscalls.EPERM:
		return "EPERM"
	case syscalls.EINVAL:
		return "EINVAL"
	}
	return "ENOSYS"
}
