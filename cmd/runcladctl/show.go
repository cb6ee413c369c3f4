// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
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
beginning of it, or its name. Root is the state root with which the runtime
reaches it: runc --root ROOT kill ID.`,
		Args:              arguments(1, 1),
		ValidArgsFunction: completeContainers,
	}
	jsonFlag(cmd) // it prints nothing else
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := mustRecord(args[0])
		if err != nil {
			return err
		}
		return writeJSON(cmd.OutOrStdout(), r)
	}
	return cmd
}

// recordOf returns the record of a container by a beginning of its ID or by its
// name, nil if there is none.
func recordOf(name string) (*record.Record, error) {
	all, err := records()
	if err != nil {
		return nil, err
	}
	var found []record.Record
	for _, r := range all {
		if r.ID == name {
			return &r, nil
		}
		if name != "" && (strings.HasPrefix(r.ID, name) || r.Name == name) {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return &found[0], nil
	}
	return nil, fmt.Errorf("%d recorded containers have the name %s, or an ID that begins with it (runcladctl list shows them)", len(found), name)
}

// mustRecord is recordOf for commands that need one.
func mustRecord(name string) (*record.Record, error) {
	r, err := recordOf(name)
	if err == nil && r == nil {
		err = fmt.Errorf("container %s: %w (runcladctl list shows those that have one)", name, record.ErrNoRecord)
	}
	return r, err
}
