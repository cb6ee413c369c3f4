// SPDX-License-Identifier: Apache-2.0

package argv

import "strconv"

// Argv returns the canonical arguments, without argv[0], of create, run, restore
// and start: globals, command, one absolute --bundle, the other flags as
// `--flag value`, the ID last. For exec see [Invocation.ExecArgv]; for that and all
// commands that are passed on as they came it returns nil.
func (inv Invocation) Argv() []string {
	if !inv.Verb.Guarded() || inv.Verb == Exec {
		return nil
	}
	out := inv.head()
	out = appendValue(out, "bundle", inv.Bundle)
	out = inv.appendChannels(out)
	out = appendFlags(out, inv.Flags)
	return append(out, inv.ID)
}

// ExecArgv returns the canonical arguments, without argv[0], of exec with its
// process document at processPath. The flags that describe the process and the
// command are not emitted: the document stands for them, and the runtime would
// ignore them. For other verbs it returns nil.
func (inv Invocation) ExecArgv(processPath string) []string {
	if inv.Verb != Exec {
		return nil
	}
	out := inv.head()
	out = append(out, "--process", processPath)
	out = inv.appendChannels(out)
	out = appendSwitch(out, "detach", inv.Exec.Detach)
	out = appendSwitch(out, "ignore-paused", inv.Exec.IgnorePaused)
	for _, c := range inv.Exec.Cgroup {
		out = appendValue(out, "cgroup", c)
	}
	return append(out, inv.ID)
}

// head returns the globals and the command word.
func (inv Invocation) head() []string {
	out := make([]string, 0, 24)
	out = appendValue(out, "root", inv.Root)
	out = appendValue(out, "log", inv.Log)
	out = appendValue(out, "log-format", inv.LogFormat)
	out = appendSwitch(out, "debug", inv.Debug)
	out = appendSwitch(out, "systemd-cgroup", inv.SystemdCgroup)
	out = appendFlags(out, inv.Globals)
	return append(out, inv.Verb.String())
}

// appendChannels adds the flags about files and descriptors of the caller.
func (inv Invocation) appendChannels(out []string) []string {
	out = appendValue(out, "pid-file", inv.PidFile)
	out = appendValue(out, "console-socket", inv.ConsoleSocket)
	out = appendValue(out, "pidfd-socket", inv.PidfdSocket)
	if inv.PreserveFDs > 0 {
		out = append(out, "--preserve-fds", strconv.Itoa(inv.PreserveFDs))
	}
	return out
}

func appendFlags(out []string, flags []Flag) []string {
	for _, f := range flags {
		out = append(out, "--"+f.Name)
		if f.Value != "" {
			out = append(out, f.Value)
		}
	}
	return out
}

func appendValue(out []string, name, value string) []string {
	if value == "" {
		return out
	}
	return append(out, "--"+name, value)
}

func appendSwitch(out []string, name string, on bool) []string {
	if !on {
		return out
	}
	return append(out, "--"+name)
}
