// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/ctl/auditlog"
)

func auditTailCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Print the last lines, and with -f those that come",
		Long: `Prints the last lines of the audit log. With -f it goes on with those that come,
across rotation, until it is interrupted.`,
		Args: arguments(0, 0),
	}
	n := cmd.Flags().IntP("lines", "n", 10, "print the last `N` lines first")
	follow := cmd.Flags().BoolP("follow", "f", false, "go on with the lines that come")
	rawFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *n < 0 {
			return usage(cmd, "--lines %d is less than none", *n)
		}
		return auditTail(cmd.Context(), newAuditLines(cmd), auditlog.Logs, *n, *follow)
	}
	return cmd
}

// auditTail notes where the logs end before it prints what they hold, so that no
// line that comes in between is lost.
func auditTail(ctx context.Context, out *auditLines, logs []string, n int, follow bool) error {
	goOn, err := auditlog.Follower(logs)
	if err != nil {
		return err
	}
	files, err := auditlog.Files(logs...)
	if err != nil {
		return err
	}
	last, errLast := auditlog.Last(files, n)
	for _, l := range last {
		if err := out.print(l); err != nil {
			return err
		}
	}
	if len(last) == 0 && errLast == nil {
		fmt.Fprintln(out.errs, "runcladctl: the audit log holds no line yet:", strings.Join(logs, ", "))
	}
	if !follow || errLast != nil {
		return errLast
	}
	ctx, stop := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
	defer stop()
	err = goOn(ctx, out.print)
	if errors.Is(err, unix.EPIPE) {
		return nil // the reader of a pipe has seen enough
	}
	return err
}
