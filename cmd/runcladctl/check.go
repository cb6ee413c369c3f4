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
			file := policy.File
			if len(args) == 1 {
				file = args[0]
			}
			return check(cmd.OutOrStdout(), file)
		},
	}
}

// check reads a policy file and names what it loosens.
func check(out io.Writer, file string) error {
	p, err := policy.Load(file)
	if err != nil {
		return err
	}
	if p.Source == "" {
		_, err := fmt.Fprintf(out, "%s is absent: the built-in defaults hold\n", file)
		return err
	}
	fmt.Fprintf(out, "%s is good\n", file)
	for _, w := range p.Profile().Warnings() {
		fmt.Fprintln(out, "loosens:", w)
	}
	return nil
}
