// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/runtime"
)

func versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  arguments(0, 0),
	}
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return answer(cmd, map[string]string{"version": runtime.Version}, func(out io.Writer) error {
			_, err := fmt.Fprintln(out, "runcladctl version", runtime.Version)
			return err
		})
	}
	return cmd
}
