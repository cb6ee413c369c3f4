// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/identity"
	"github.com/runclad/runclad/internal/record"
)

func sweepCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "sweep",
		GroupID: groupChange,
		Short:   "Remove what containers that are gone have left",
		Long: `Removes records, claimed user IDs and pods of containers that are gone. Each
create does a part of this, so it is never necessary.`,
		Args: arguments(0, 0),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return sweep(cmd.OutOrStdout(), *asJSON) }
	return cmd
}

// sweep removes what containers that are gone have left.
func sweep(out io.Writer, asJSON bool) error {
	store, err := record.Open(record.DefaultDir)
	if err != nil {
		return err
	}
	defer store.Close()
	claims, err := identity.Open(store)
	if err != nil {
		return err
	}
	defer claims.Close()
	swept, err := claims.Sweep()
	if asJSON {
		return errors.Join(err, writeJSON(out, swept))
	}
	fmt.Fprintf(out, "%+v\n", swept)
	return err
}
