// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/ctl/text"
)

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "audit",
		GroupID: groupSee,
		Short:   "Read the audit log: tail, search",
		Long: `Reads the audit log: /var/log/runclad/audit.jsonl, the files that were rotated
away from it, compressed or not, and /run/runclad/audit.jsonl, which takes the
lines while the log cannot be written.

Lines are shown for people; --json prints them as they are in the file. A line
that is broken is reported on stderr and passed over.`,
		Args: noCommand,
		RunE: noCommand,
	}
	cmd.AddCommand(auditTailCommand(), auditSearchCommand())
	return cmd
}

// auditLines prints lines of the log.
type auditLines struct {
	out, errs io.Writer
	raw       bool
	paint     text.Painter
}

func newAuditLines(cmd *cobra.Command) *auditLines {
	out := cmd.OutOrStdout()
	return &auditLines{out: out, errs: cmd.ErrOrStderr(), raw: asJSON(cmd), paint: text.For(out)}
}

func (a *auditLines) print(l auditlog.Line) error {
	if l.Entry == nil {
		_, err := fmt.Fprintln(a.errs, "runcladctl:", text.Clean(l.Err.Error()))
		return err
	}
	if a.raw {
		_, err := fmt.Fprintf(a.out, "%s\n", l.Raw)
		return err
	}
	_, err := fmt.Fprintln(a.out, l.Entry.Text(a.paint))
	return err
}

// rawFlag is --json for commands that print lines of JSON anyway.
func rawFlag(cmd *cobra.Command) {
	cmd.Flags().Bool("json", false, "print the lines as they are in the file")
}
