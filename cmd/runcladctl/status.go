// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/ctl/node"
	"github.com/runclad/runclad/internal/ctl/status"
)

func statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "status",
		GroupID: groupSee,
		Short:   "Show how the containers of this node run, bypassing ones included",
		Long: `Shows every container of this node, whichever engine made it: the UID under which
it runs, the profile, rule and exemptions that were decided, the seccomp level,
and what it was refused at the metadata endpoints. UID, seccomp and metadata are
read from the kernel.

Containers that a runtime knows and runclad does not are shown too: they bypass
it.`,
		Args: arguments(0, 0),
	}
	all := cmd.Flags().BoolP("all", "a", false, "show records of containers that are gone too")
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s := status.Of(node.This, node.LoadPolicy(), *all)
		if err := answer(cmd, s, s.Print); err != nil {
			return err
		}
		if len(s.Doubts) > 0 {
			return errors.New("the list may be incomplete")
		}
		return nil
	}
	return cmd
}
