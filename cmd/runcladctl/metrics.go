// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/ctl/metrics"
	"github.com/runclad/runclad/internal/ctl/node"
	"github.com/runclad/runclad/internal/ctl/replace"
	"github.com/runclad/runclad/internal/ctl/text"
)

func metricsCommand() *cobra.Command {
	var output, state string
	cmd := &cobra.Command{
		Use:     "metrics",
		GroupID: groupSee,
		Short:   "Write metrics for node_exporter's textfile collector",
		Long: `Counts what has come to the audit log since the last call, looks at the
containers, and writes metrics in Prometheus' text format. A timer calls it; see
deploy/grafana for the timer and a dashboard.

Counters go on from call to call, across rotation: the sums are kept in
/var/lib/runclad/metrics.json.`,
		Example: "  runcladctl metrics --output /var/lib/node_exporter/textfile_collector/runclad.prom",
		Args:    arguments(0, 0),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to `FILE`, at once or not at all, instead of the standard output")
	cmd.Flags().StringVar(&state, "state", metrics.StateFile, "keep the sums in `FILE`")
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		families, notRead, err := metrics.Collect(node.This, node.LoadPolicy(), state, time.Now())
		if err != nil {
			return err
		}
		for _, d := range notRead {
			fmt.Fprintln(cmd.ErrOrStderr(), "runcladctl: not read:", text.Clean(d))
		}
		write := func(out io.Writer) error { return metrics.Write(out, families) }
		if output == "" {
			return answer(cmd, families, write)
		}
		if asJSON(cmd) {
			write = func(out io.Writer) error { return writeJSON(out, families) }
		}
		return replace.File(output, 0o644, write)
	}
	return cmd
}
