// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/policy"
)

func policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "policy",
		GroupID: groupCheck,
		Short:   "Check, show and test the policy",
		Long: `Checks, shows and tests the policy: /etc/runclad/policy.toml and the files
/etc/runclad/policy.d/*.toml, or files that are given. runclad-policy(5)
describes them.`,
		Args: noCommand,
		RunE: noCommand,
	}
	cmd.AddCommand(policyCheckCommand(), policyShowCommand(), policyTestCommand())
	return cmd
}

// policyTexts reads the given files, or those of the node's place where there are
// none.
func policyTexts(files []string) ([]policy.Text, error) {
	if len(files) == 0 {
		return policy.System.Texts()
	}
	texts := make([]policy.Text, len(files))
	for i, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		texts[i] = policy.Text{Name: name, Data: data}
	}
	return texts, nil
}

// policyOf reads the policy from the given files, or the node's where there are
// none.
func policyOf(files []string) (*policy.Policy, error) {
	texts, err := policyTexts(files)
	if err != nil {
		return nil, err
	}
	if len(texts) == 0 {
		return policy.Default(), nil
	}
	return policy.Parse(texts...)
}
