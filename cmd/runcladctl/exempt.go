// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/ctl/exempt"
	"github.com/runclad/runclad/internal/ctl/policylint"
	"github.com/runclad/runclad/internal/ctl/text"
	"github.com/runclad/runclad/internal/policy"
)

func exemptCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "exempt NAME --reason TEXT --owner WHO --until TIME",
		GroupID: groupChange,
		Short:   "Write an exemption into the policy: for one workload, with an end",
		Long: `Writes a rule, and the profile that it needs, into a file of its own below
/etc/runclad/policy.d. It shows the file and what is wide about it first; nothing
is written unless the whole policy is good with it and the rule is the one that
decides. --dry-run stops there.

--from-refusal takes whom it is for, and the lines that would allow it, from the
newest refusal of a container in the audit log, or from what would have been one
under mode audit; "latest" is the newest of all.
Without it --allow says what, and --engine to --image for whom. An exemption that
has ended allows nothing, and refusals say that it has ended.`,
		Example: `  runcladctl exempt web-uploads --from-refusal web --reason "uploads until Q3" --owner shop@example.com --for 90d
  runcladctl exempt gpu --allow 'devices = ["/dev/nvidia0"]' --engine docker --image 'registry.example.com/train@sha256:…' \
      --reason "training" --owner ml@example.com --until 2027-06-30`,
		Args: arguments(1, 1),
	}
	e := &exempt.Exemption{}
	var o exemptOptions
	fs := cmd.Flags()
	fs.StringVar(&o.from, "from-refusal", "", "take it from the newest refusal of `CONTAINER`, or \"latest\"")
	fs.StringArrayVar(&e.Allow, "allow", nil, "a `LINE` of a profile to allow it by, KEY = VALUE; can be repeated")
	fs.StringVar(&e.Profile, "profile", "", "give this `PROFILE`, not one with lines of its own")
	fs.StringVar(&e.Reason, "reason", "", "why")
	fs.StringVar(&e.Owner, "owner", "", "who answers for it")
	fs.StringVar(&o.until, "until", "", "when it ends: a `TIME` (RFC 3339) or the last day of it")
	fs.StringVar(&o.lasts, "for", "", "or how long it lasts: `TIME` as 12h, 90d")
	fs.StringSliceVar(&e.Match.Engine, "engine", nil, "the engine")
	fs.StringSliceVar(&e.Match.Namespace, "namespace", nil, "the namespace")
	fs.StringSliceVar(&e.Match.Pod, "pod", nil, "the pod's name, or a pattern")
	fs.StringSliceVar(&e.Match.Container, "container", nil, "the container's name, or a pattern")
	fs.StringSliceVar(&e.Match.Image, "image", nil, "the image, or a pattern")
	fs.BoolVar(&e.Claims, "claims", false, "accept names that whoever starts the container chose")
	fs.IntVar(&e.Order, "order", exempt.DefaultOrder, "`NUMBER` that the file's name begins with: rules are tried in its order")
	fs.BoolVar(&o.dry, "dry-run", false, "show it, and write nothing")
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		e.Name = args[0]
		if e.Reason == "" || e.Owner == "" || (o.until == "") == (o.lasts == "") {
			return usage(cmd, "--reason, --owner and one of --until and --for are needed")
		}
		return o.run(cmd, e, time.Now())
	}
	cmd.AddCommand(exemptListCommand(), exemptRemoveCommand())
	return cmd
}

type exemptOptions struct {
	from, until, lasts string
	dry                bool
}

func (o *exemptOptions) run(cmd *cobra.Command, e *exempt.Exemption, now time.Time) (err error) {
	if e.Until, err = exempt.End(o.until, o.lasts, now); err != nil {
		return err
	}
	if o.from != "" {
		files, err := auditlog.Files(auditlog.Logs...)
		if err != nil {
			return err
		}
		line, err := exempt.Refusal(files, o.from)
		if err != nil {
			return err
		}
		if err := e.FromRefusal(line); err != nil {
			return err
		}
	}
	made, err := exempt.Prepare(e, policy.System, now)
	if err != nil {
		return err
	}
	v := map[string]any{
		"file": made.Path, "content": string(made.Data), "findings": append([]policylint.Finding{}, made.Findings...), "notes": append([]string{}, e.Notes...), "written": !o.dry,
	}
	if o.dry {
		return answer(cmd, v, func(out io.Writer) error { return showExemption(out, e, made) })
	}
	if !asJSON(cmd) { // people see it before it is done
		if err := showExemption(cmd.OutOrStdout(), e, made); err != nil {
			return err
		}
	}
	if err := made.Place(); err != nil {
		return err
	}
	return answer(cmd, v, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "\nWritten to %s; it counts from the next create on.\n", made.Path)
		return err
	})
}

func showExemption(out io.Writer, e *exempt.Exemption, made *exempt.Prepared) error {
	if _, err := out.Write(diff.Diff("/dev/null", nil, made.Path, made.Data)); err != nil {
		return err
	}
	paint := text.For(out)
	for _, n := range e.Notes {
		fmt.Fprintln(out, "note:", text.Clean(n))
	}
	for _, f := range made.Findings {
		colour := text.Yellow
		if f.Level == policylint.Loosening {
			colour = text.Cyan
		}
		fmt.Fprintf(out, "%s: %s\n", paint.Paint(colour, f.Level), text.Clean(f.Text))
	}
	return nil
}
