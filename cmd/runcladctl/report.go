// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
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
log says something else, the report begins with that, and the exit status is 1.`,
		Example: `  runcladctl report
  runcladctl report --html report.html --since 30d`,
		Args: arguments(0, 0),
	}
	cmd.Flags().StringVar(&since, "since", "7d", "what was refused since `TIME`")
	cmd.Flags().StringVar(&html, "html", "", "write one self-contained page to `FILE`, - for the standard output")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *asJSON && html != "" {
			return usage(cmd, "--json and --html exclude each other")
		}
		from, err := when(cmd, "since", since)
		if err != nil {
			return err
		}
		r := report.Judge(report.Gather(node.This, node.LoadPolicy(), from, time.Now()))
		out := cmd.OutOrStdout()
		switch {
		case *asJSON:
			err = writeJSON(out, r)
		case html == "-":
			err = r.HTML(out)
		case html != "":
			err = replace.File(html, 0o640, r.HTML)
		default:
			err = r.Print(out)
		}
		if err == nil && r.Disagreeing > 0 {
			err = fmt.Errorf("what was recorded is not what runs: see the disagreements")
		}
		return err
	}
	return cmd
}
