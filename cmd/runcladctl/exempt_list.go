// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/ctl/exempt"
	"github.com/runclad/runclad/internal/ctl/text"
	"github.com/runclad/runclad/internal/policy"
)

func exemptListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the exemptions: every rule that loosens, whoever wrote it",
		Args:  arguments(0, 0),
	}
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := policy.System.Read()
		if err != nil {
			return err
		}
		all := exempt.List(p, time.Now())
		return answer(cmd, all, func(out io.Writer) error { return listExemptions(out, all) })
	}
	return cmd
}

func listExemptions(out io.Writer, all []exempt.Listed) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tENDS\tOWNER\tMODE\tPROFILE\tFOR\tREASON")
	for _, e := range all {
		ends := text.Or(e.Ends, "never")
		if e.Ended {
			ends = "ENDED " + ends
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", text.Clean(e.Name), ends, text.Or(e.Owner, "-"), e.Mode, text.Clean(e.Profile), text.Clean(e.For), text.Or(e.Reason, "-"))
	}
	return w.Flush()
}

func exemptRemoveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "remove NAME",
		Short:             "Remove an exemption that exempt wrote",
		Args:              arguments(1, 1),
		ValidArgsFunction: completeExemptions,
	}
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		file, err := exempt.Remove(policy.System, args[0])
		if err != nil {
			return err
		}
		return answer(cmd, map[string]string{"removed": file}, func(out io.Writer) error {
			_, err := fmt.Fprintf(out, "%s is removed; containers that run keep what they have.\n", file)
			return err
		})
	}
	return cmd
}

func completeExemptions(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return exempt.Names(policy.System), cobra.ShellCompDirectiveNoFileComp
}
