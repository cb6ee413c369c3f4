// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// completeContainers completes the IDs of recorded containers, for a command
// whose first argument is one. Where the records cannot be read there is nothing
// to offer: the command itself says why.
func completeContainers(_ *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all, _ := records()
	var out []cobra.Completion
	for _, r := range all {
		if !strings.HasPrefix(r.ID, begun) {
			continue
		}
		words := make([]string, 0, 5)
		for _, w := range []string{r.Engine, r.Namespace, r.Pod, r.Name, r.Image} {
			if w != "" {
				words = append(words, w)
			}
		}
		out = append(out, cobra.CompletionWithDesc(r.ID, strings.Join(words, " ")))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeFlag completes the values of a flag.
func completeFlag(cmd *cobra.Command, flag string, values ...cobra.Completion) {
	// The error is that of a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
