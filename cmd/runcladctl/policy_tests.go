// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/ctl/policytest"
	"github.com/runclad/runclad/internal/ctl/text"
)

func policyTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test FILE...",
		Short: "Run unit tests of the policy",
		Long: `Runs tests of the policy: given a workload, the rule, the profile, the mode and
the refusals that are expected. FILEs are TOML or, by their names, YAML; they can
name the policy that they are for, else it is the node's.

Exit status: 1 if a test fails.`,
		Example: "  runcladctl policy test --policy policy.toml tests.toml",
		Args:    arguments(1, -1),
	}
	files := cmd.Flags().StringArray("policy", nil, "test the policy in `FILE`, not the one that the tests name")
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		all := []policytest.Result{}
		for _, name := range args {
			results, err := testPolicy(name, *files)
			if err != nil {
				return err
			}
			all = append(all, results...)
		}
		failed := 0
		for _, r := range all {
			if len(r.Failures) > 0 {
				failed++
			}
		}
		err := answer(cmd, all, func(out io.Writer) error { return tell(out, all, failed) })
		if err == nil && failed > 0 {
			err = fmt.Errorf("%d of %s failed", failed, text.Count(len(all), "test"))
		}
		return err
	}
	return cmd
}

func testPolicy(name string, files []string) ([]policytest.Result, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f, err := policytest.Parse(name, data)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		for _, p := range f.Policy {
			if !filepath.IsAbs(p) {
				p = filepath.Join(filepath.Dir(name), p)
			}
			files = append(files, p)
		}
	}
	p, err := policyOf(files)
	if err != nil {
		return nil, err
	}
	return f.Run(p, time.Now())
}

// tell says which tests failed, and how.
func tell(out io.Writer, all []policytest.Result, failed int) error {
	for _, r := range all {
		for i, s := range r.Failures {
			if i == 0 {
				s = fmt.Sprintf("%s:%d: %s: %s", r.File, r.Line, r.Name, s)
			} else {
				s = "    " + s
			}
			fmt.Fprintln(out, text.Clean(s))
		}
	}
	if failed > 0 {
		return nil
	}
	_, err := fmt.Fprintf(out, "%s passed\n", text.Count(len(all), "test"))
	return err
}
