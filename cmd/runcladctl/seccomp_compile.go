// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/spf13/cobra"

func seccompCompileCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compile [PROFILE]",
		Short: "Print the BPF program that a runtime would load",
		Long: `Prints the BPF program of a profile as runc 1.1 and crun load it, or with --tree
as runc 1.2 and later do. Needs a build with -tags seccomp.`,
		Args:              arguments(0, 1),
		ValidArgsFunction: completeProfiles,
	}
	tree := cmd.Flags().Bool("tree", false, "optimise for a binary tree, as runc 1.2 and later do")
	pfc := cmd.Flags().Bool("pfc", false, "print libseccomp's pseudo code")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name := "runclad"
		if len(args) == 1 {
			name = args[0]
		}
		return seccompCompile(cmd.OutOrStdout(), name, *tree, *pfc)
	}
	return cmd
}
