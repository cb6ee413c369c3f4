// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/workload"
)

func auditSearchCommand() *cobra.Command {
	var f auditlog.Filter
	var since, until string
	cmd := &cobra.Command{
		Use:   "search [FILE...]",
		Short: "Print the lines that match",
		Long: `Prints the lines of the audit log for which every given filter holds. A filter
can be repeated: one of its values has to match. FILEs are read instead of this
node's own log.

A time is RFC 3339, a date, or how long ago: 15m, 36h, 7d.`,
		Example: `  runcladctl audit search --decision refused --since 1d
  runcladctl audit search --namespace shop --control capabilities
  runcladctl audit search --verb exec --container web --json | jq .time`,
		Args: arguments(0, -1),
	}
	fs := cmd.Flags()
	fs.StringVar(&since, "since", "", "not before `TIME`")
	fs.StringVar(&until, "until", "", "not after `TIME`")
	filters := auditFilters(&f)
	for _, k := range filters {
		fs.StringSliceVar(k.to, k.flag, nil, k.use)
		if k.values != nil {
			completeFlag(cmd, k.flag, k.values...)
		}
	}
	fs.UintSliceVar(&f.UID, "uid", nil, "the UID that the container got")
	fs.StringArrayVar(&f.Text, "text", nil, "part of the line, whatever its case")
	rawFlag(cmd)
	// The error is that of a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("container", func(cmd *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return completeContainers(cmd, nil, begun)
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, k := range filters {
			if err := k.check(cmd); err != nil {
				return err
			}
		}
		var err error
		if f.Since, err = when(cmd, "since", since); err != nil {
			return err
		}
		if f.Until, err = when(cmd, "until", until); err != nil {
			return err
		}
		files, err := auditFiles(args)
		if err != nil {
			return err
		}
		out := newAuditLines(cmd)
		err = auditlog.Each(files, func(l auditlog.Line) error {
			if l.Entry != nil && !f.Match(&l) {
				return nil
			}
			return out.print(l)
		})
		if errors.Is(err, unix.EPIPE) {
			return nil
		}
		return err
	}
	return cmd
}

// auditFilter is a filter that compares words.
type auditFilter struct {
	to        *[]string
	flag, use string
	// values are the words that there are; nil where they are anybody's choice.
	values []cobra.Completion
}

func auditFilters(f *auditlog.Filter) []auditFilter {
	var controls []cobra.Completion
	for _, c := range control.All {
		controls = append(controls, c.ID)
	}
	decisions := []cobra.Completion{auditlog.Hardened, auditlog.Audited, auditlog.Exempted, auditlog.Refused, auditlog.Failed, auditlog.BreakGlass}
	return []auditFilter{
		{&f.Engine, "engine", "`ENGINE`: " + either(workload.Engines[:]), workload.Engines[:]},
		{&f.Namespace, "namespace", "`NAMESPACE`: Kubernetes', or containerd's", nil},
		{&f.Pod, "pod", "`NAME` of the pod", nil},
		{&f.Container, "container", "beginning of the `ID`, or the name", nil},
		{&f.Image, "image", "part of the image's name or ID, or a `PATTERN` with * and ?", nil},
		{&f.Decision, "decision", "`DECISION`: " + either(decisions), decisions},
		{&f.Verb, "verb", "`VERB`: " + either(auditlog.Verbs[:]), auditlog.Verbs[:]},
		{&f.Control, "control", "`ID` of a control that refused or changed something", controls},
		{&f.Rule, "rule", "`NAME` of the rule that matched", nil},
	}
}

// check refuses a word that no line can have.
func (k *auditFilter) check(cmd *cobra.Command) error {
	for _, w := range *k.to {
		if k.values != nil && !slices.Contains(k.values, w) {
			return usage(cmd, "--%s: %q is none of %s", k.flag, w, strings.Join(k.values, ", "))
		}
	}
	return nil
}

// either joins words for a sentence.
func either(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// when reads the value of a flag that is a time.
func when(cmd *cobra.Command, flag, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	t, err := auditlog.ParseTime(value, time.Now())
	if err != nil {
		return time.Time{}, usage(cmd, "--%s: %v", flag, err)
	}
	return t, nil
}

// auditFiles are the given ones, or this node's.
func auditFiles(names []string) ([]auditlog.File, error) {
	if len(names) == 0 {
		return auditlog.Files(auditlog.Logs...)
	}
	var files []auditlog.File
	for _, name := range names {
		if _, err := os.Stat(name); err != nil {
			return nil, err
		}
		files = append(files, auditlog.File{Path: name, Log: name})
	}
	return files, nil
}
