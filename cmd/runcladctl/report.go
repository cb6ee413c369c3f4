// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/ctl/node"
	"github.com/runclad/runclad/internal/ctl/replace"
	"github.com/runclad/runclad/internal/ctl/report"
)

func reportCommand() *cobra.Command {
	var since, html string
	cmd := &cobra.Command{
		Use:     "report",
		GroupID: groupSee,
		Short:   "Hold the node against CIS, PSS, NSA/CISA and SP 800-190",
		Long: `Holds every running container against the clauses of CIS Docker Benchmark section
5, the Kubernetes Pod Security Standards, the NSA/CISA hardening guide and NIST
SP 800-190: met, not met, not applicable, or cannot be told, with the evidence.

Evidence is what the kernel shows of the container. Where the record or the audit
log says something else, the report begins with that, and the exit status is 1.
So it is where something of the node could not be read.`,
		Example: `  runcladctl report
  runcladctl report --html report.html --since 30d`,
		Args: arguments(0, 0),
	}
	cmd.Flags().StringVar(&since, "since", "7d", "what was refused since `TIME`")
	cmd.Flags().StringVar(&html, "html", "", "write one self-contained page to `FILE`, - for the standard output")
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if asJSON(cmd) && html != "" {
			return usage(cmd, "--json and --html exclude each other")
		}
		from, err := when(cmd, "since", since)
		if err != nil {
			return err
		}
		r := report.Judge(report.Gather(node.This, node.LoadPolicy(), from, time.Now()))
		switch html {
		case "":
			err = answer(cmd, r, r.Print)
		case "-":
			err = r.HTML(cmd.OutOrStdout())
		default:
			err = replace.File(html, 0o640, r.HTML)
		}
		switch {
		case err != nil:
			return err
		case r.Disagreeing > 0:
			return errors.New("what was recorded is not what runs: see the disagreements")
		case len(r.Doubts) > 0:
			return errors.New("the report may be incomplete: see what was not read")
		}
		return nil
	}
	return cmd
}
