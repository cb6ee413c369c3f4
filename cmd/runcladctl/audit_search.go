// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/ctl/auditlog"
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
	fs.StringSliceVar(&f.Engine, "engine", nil, "docker, containerd, cri, podman, cri-o or direct")
	fs.StringSliceVar(&f.Namespace, "namespace", nil, "Kubernetes' namespace, or containerd's")
	fs.StringSliceVar(&f.Pod, "pod", nil, "name of the pod")
	fs.StringSliceVar(&f.Container, "container", nil, "beginning of the `ID`, or the name")
	fs.StringSliceVar(&f.Image, "image", nil, "part of the image's name or ID, or a `PATTERN` with * and ?")
	fs.StringSliceVar(&f.Decision, "decision", nil, "hardened, audited, exempted, refused, failed or break-glass")
	fs.StringSliceVar(&f.Verb, "verb", nil, "create, run, restore, exec or start")
	fs.StringSliceVar(&f.Control, "control", nil, "`ID` of a control that refused or changed something")
	fs.StringSliceVar(&f.Rule, "rule", nil, "name of the rule that matched")
	fs.UintSliceVar(&f.UID, "uid", nil, "the UID that the container got")
	fs.StringArrayVar(&f.Text, "text", nil, "part of the line, whatever its case")
	raw := rawFlag(cmd)
	var controls []cobra.Completion
	for _, c := range control.All {
		controls = append(controls, c.ID)
	}
	completeFlag(cmd, "control", controls...)
	completeFlag(cmd, "engine", "docker", "containerd", "cri", "podman", "cri-o", "direct")
	completeFlag(cmd, "verb", "create", "run", "restore", "exec", "start")
	completeFlag(cmd, "decision", auditlog.Hardened, auditlog.Audited, auditlog.Exempted, auditlog.Refused, auditlog.Failed, auditlog.BreakGlass)
	_ = cmd.RegisterFlagCompletionFunc("container", func(cmd *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return completeContainers(cmd, nil, begun)
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
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
		out := newAuditLines(cmd, *raw)
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
