// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/ctl/policyshow"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
)

func policyShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show [FILE...]",
		Short: "Print the policy in effect: every profile in full, the rules in order",
		Long: `Prints the policy in effect: the rules in the order in which they are tried, and
every profile in full, with the place that each value comes from.

--compiled prints what the run state keeps of it, from which the shim reads it
while no file has changed; on_error = "last-good" falls back on that.`,
		Args: arguments(0, -1),
	}
	compiled := cmd.Flags().Bool("compiled", false, "print the compiled form that the run state keeps")
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *compiled && len(args) > 0 {
			return usage(cmd, "--compiled is about the node's own policy, not about files")
		}
		v, err := showPolicy(args, *compiled, func(s string) { fmt.Fprintln(cmd.ErrOrStderr(), s) })
		if err != nil {
			return err
		}
		return answer(cmd, v, v.Print)
	}
	return cmd
}

func showPolicy(files []string, compiled bool, note func(string)) (*policyshow.View, error) {
	if compiled {
		p, err := compiledPolicy(note)
		if err != nil {
			return nil, err
		}
		return policyshow.Of(p, nil, time.Now())
	}
	texts, err := policyTexts(files)
	if err != nil {
		return nil, err
	}
	p := policy.Default()
	if len(texts) > 0 {
		if p, err = policy.Parse(texts...); err != nil {
			return nil, err
		}
	}
	return policyshow.Of(p, texts, time.Now())
}

func compiledPolicy(note func(string)) (*policy.Policy, error) {
	store, err := record.Open(record.DefaultDir)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	p, current, err := policy.System.Compiled(store.Dir())
	switch {
	case err != nil:
		return nil, err
	case p == nil:
		return nil, errors.New("the run state keeps no compiled policy: no container was created under one, or another version of runclad wrote it")
	case !current:
		note("runcladctl: the files have changed since: the next create reads them anew")
	}
	return p, nil
}
