// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/ctl/policylint"
	"github.com/runclad/runclad/internal/ctl/text"
	"github.com/runclad/runclad/internal/policy"
)

func policyCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [FILE...]",
		Short: "Check the policy, and name what it loosens",
		Long: `Checks the policy before it matters: what makes it unreadable, with file and
line; rules that never decide or have expired; exemptions that are wider than
they name; and each loosening in a sentence, with who gets it.

FILEs are checked as one policy, in the order in which their rules are tried.
Without any it is the node's own, and its files have to belong to root as well.

Exit status: 1 if the policy is broken, with --strict also for a warning.`,
		Example: `  runcladctl policy check
  runcladctl policy check --strict policy.d/*.toml policy.toml`,
		Args: arguments(0, -1),
	}
	strict := cmd.Flags().Bool("strict", false, "take a warning for a failure")
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := checkPolicy(args)
		if err != nil {
			return err
		}
		err = answer(cmd, c, c.print)
		warnings := policylint.Count(c.Findings, policylint.Warning)
		switch {
		case err != nil:
			return err
		case len(c.Errors) > 0:
			return errors.New("the policy is broken: containers would be refused")
		case *strict && warnings > 0:
			return fmt.Errorf("%s", text.Count(warnings, "warning"))
		}
		return nil
	}
	return cmd
}

// checked is the result of a check.
type checked struct {
	Files    []string             `json:"files"`
	Errors   []string             `json:"errors"`
	Findings []policylint.Finding `json:"findings"`
}

func checkPolicy(files []string) (*checked, error) {
	texts, err := policyTexts(files)
	c := &checked{Files: []string{}, Errors: []string{}, Findings: []policylint.Finding{}}
	if err != nil && len(files) > 0 {
		return nil, err // it was named, and is not there
	}
	if err != nil {
		c.Errors = append(c.Errors, err.Error())
		return c, nil
	}
	for _, t := range texts {
		c.Files = append(c.Files, t.Name)
		for _, err := range policy.Misspelt(t) {
			c.Errors = append(c.Errors, err.Error())
		}
	}
	if len(c.Errors) > 0 {
		return c, nil
	}
	p, err := policy.Parse(texts...)
	if err != nil {
		c.Errors = append(c.Errors, err.Error())
		return c, nil
	}
	c.Findings = append(c.Findings, policylint.Check(p, time.Now())...)
	return c, nil
}

func (c *checked) print(out io.Writer) error {
	paint := text.For(out)
	for _, e := range c.Errors {
		fmt.Fprintf(out, "%s: %s\n", paint.Paint(text.Red, "error"), text.Clean(e))
	}
	last := ""
	for _, f := range c.Findings {
		where := text.Clean(f.Where())
		if f.Level != policylint.Loosening {
			fmt.Fprintf(out, "%s: %s: %s\n", where, paint.Paint(text.Yellow, f.Level), text.Clean(f.Text))
			continue
		}
		if where != last {
			fmt.Fprintf(out, "%s %s for %s:\n", where, paint.Paint(text.Cyan, "loosens"), text.Clean(f.For))
			last = where
		}
		fmt.Fprintf(out, "    %s\n", text.Clean(f.Text))
	}
	if len(c.Errors) > 0 {
		return nil
	}
	what := text.Count(len(c.Files), "file")
	if len(c.Files) == 0 {
		what = "no policy file: the built-in defaults hold"
	}
	_, err := fmt.Fprintf(out, "%s: %s, %s (%s)\n", paint.Paint(text.Green, "good"),
		text.Count(policylint.Count(c.Findings, policylint.Warning), "warning"), text.Count(policylint.Count(c.Findings, policylint.Loosening), "loosening"), what)
	return err
}
