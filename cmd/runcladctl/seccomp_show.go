// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/ctl/text"
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

func seccompShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print the generated profile, or a table with reasons",
		Long: `Prints the profile that create would make, as OCI JSON, or with --table what it
does with each call, and why.`,
		Args: arguments(0, 0),
	}
	var c choice
	c.flags(cmd)
	table := cmd.Flags().Bool("table", false, "print a table of all calls with the reason for each")
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !*table {
			return seccompShow(cmd.OutOrStdout(), &c)
		}
		lines, err := seccompTable(&c)
		if err != nil {
			return err
		}
		return answer(cmd, lines, func(out io.Writer) error { return printTable(out, lines) })
	}
	return cmd
}

// seccompShow prints the generated profile.
func seccompShow(out io.Writer, c *choice) error {
	raw, err := c.profile()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, b.String())
	return err
}

// seccompTable says of each call what the profile does with it, and why.
func seccompTable(c *choice) ([]line, error) {
	set, err := c.set()
	if err != nil {
		return nil, err
	}
	if _, err := syscalls.ScmpArch(c.arch); err != nil {
		return nil, err
	}
	lines := []line{}
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
	return lines, nil
}

func printTable(out io.Writer, lines []line) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CALL\tNUMBER\tSINCE\tDOES\tBROUGHT BACK BY\tREASON")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", l.Call, l.Number, text.Or(l.Since, "-"), l.Does, text.Or(strings.Join(l.Back, " "), "-"), text.Or(l.Reason, "-"))
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
