// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/runtime"
)

func versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  arguments(0, 0),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *asJSON {
			return writeJSON(cmd.OutOrStdout(), map[string]string{"version": runtime.Version})
		}
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "runcladctl version", runtime.Version)
		return err
	}
	return cmd
}
