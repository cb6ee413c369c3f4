// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/policy"
)

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "check [FILE]",
		GroupID: groupCheck,
		Short:   "Check a policy file, and name what it loosens",
		Args:    arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			place := policy.System
			if len(args) == 1 {
				place = policy.Place{File: args[0]}
			}
			return check(cmd.OutOrStdout(), place)
		},
	}
}

// check reads a policy and names what it loosens.
func check(out io.Writer, place policy.Place) error {
	p, err := place.Read()
	if err != nil {
		return err
	}
	if len(p.Files) == 0 {
		_, err := fmt.Fprintf(out, "%s is absent: the built-in defaults hold\n", place.File)
		return err
	}
	fmt.Fprintf(out, "%s is good\n", p.Source())
	for _, w := range p.Profile().Warnings() {
		fmt.Fprintln(out, "loosens:", w)
	}
	return nil
}
