// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/record"
)

func showCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show CONTAINER",
		GroupID: groupSee,
		Short:   "Print the record of one container, as JSON",
		Long: `Prints what create recorded of a container, as JSON. CONTAINER is its ID or an
unambiguous beginning of it. Root is the state root with which the runtime
reaches it: runc --root ROOT kill ID.`,
		Args:              arguments(1, 1),
		ValidArgsFunction: completeContainers,
	}
	jsonFlag(cmd) // it prints nothing else
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return show(cmd.OutOrStdout(), args[0]) }
	return cmd
}

func show(out io.Writer, id string) error {
	r, err := findRecord(id)
	if err != nil {
		return err
	}
	return writeJSON(out, r)
}

// findRecord returns the record of the one container whose ID begins so.
func findRecord(id string) (record.Record, error) {
	all, err := records()
	if err != nil {
		return record.Record{}, err
	}
	var found []record.Record
	for _, r := range all {
		if r.ID == id {
			return r, nil
		}
		if id != "" && strings.HasPrefix(r.ID, id) {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		return record.Record{}, fmt.Errorf("%d recorded containers begin with %q (runcladctl list shows them)", len(found), id)
	}
	return found[0], nil
}
