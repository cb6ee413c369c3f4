// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// each calls f for every command below one, cobra's own left out.
func each(cmd *cobra.Command, f func(*cobra.Command)) {
	for _, c := range cmd.Commands() {
		if c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		f(c)
		each(c, f)
	}
}

func TestEveryCommandIsDescribed(t *testing.T) {
	page, err := os.ReadFile("../../docs/man/runcladctl.8.md")
	if err != nil {
		t.Fatal(err)
	}
	man := strings.ReplaceAll(string(page), `\-`, "-")
	withoutJSON := map[string]bool{"seccomp compile": true}
	each(rootCommand(), func(cmd *cobra.Command) {
		name := strings.TrimPrefix(cmd.CommandPath(), "runcladctl ")
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: short description %q", name, cmd.Short)
		}
		if cmd.Args == nil || cmd.RunE == nil {
			t.Errorf("%s: takes whatever comes", name)
		}
		if !cmd.HasParent() || cmd.HasSubCommands() {
			return
		}
		if cmd.Parent().Name() == "runcladctl" && cmd.GroupID == "" && name != "version" {
			t.Errorf("%s is in no group", name)
		}
		if (cmd.Flags().Lookup("json") == nil) != withoutJSON[name] {
			t.Errorf("%s: has --json: %v", name, withoutJSON[name])
		}
		entry, _, _ := strings.Cut(after(man, "\n**"+name+"**"), "\n\n")
		if entry == "" {
			t.Errorf("%s is not in runcladctl(8)", name)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "json" && f.Name != "help" && !strings.Contains(entry, "**--"+f.Name+"**") {
				t.Errorf("runcladctl(8) says nothing of %s --%s", name, f.Name)
			}
		})
	})
}

func after(text, mark string) string {
	_, rest, _ := strings.Cut(text, mark)
	return rest
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help"}, {"help", "seccomp"}, {"seccomp", "--help"}, {"seccomp", "diff", "-h"}} {
		if got, err := output(t, args...); err != nil || !strings.Contains(got, "Usage:") {
			t.Errorf("%q: %v: %s", args, err, got)
		}
	}
}

func TestUsageNamesWhatIsRight(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"secomp", `did you mean seccomp?`},
		{"", "Change something:"},
		{"seccomp", "compile     Print the BPF program"},
		{"seccomp dif", `did you mean diff?`},
		{"show", "runcladctl show CONTAINER"},
		{"show", "an argument is missing"},
		{"show a b", "does not take 2 arguments"},
		{"audit search --decision denied", `"denied" is none of hardened, audited, exempted, refused, failed, break-glass`},
		{"list --yes", "unknown flag: --yes"},
	} {
		if _, err := output(t, strings.Fields(tt.args)...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.args, err, tt.want)
		}
	}
}

func TestVersion(t *testing.T) {
	want, err := output(t, "version")
	if got, e := output(t, "--version"); err != nil || e != nil || got != want {
		t.Errorf("%q %v, %q %v", want, err, got, e)
	}
}

// What there is none of is an empty list in JSON, not null.
func TestNothingIsAnEmptyList(t *testing.T) {
	empty := policyFile(t, "")
	for args, want := range map[string]string{
		"seccomp diff runclad runclad": "[]\n",
		"seccomp check runclad":        "[]\n",
		"policy check " + empty:        `"findings": []`,
		"policy show " + empty:         `"rules": []`,
		"audit search " + empty:        "",
	} {
		got, err := output(t, append(strings.Fields(args), "--json")...)
		if err != nil || !strings.Contains(got, want) || strings.Contains(got, "null") {
			t.Errorf("%s: %v: %s", args, err, got)
		}
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if got, err := output(t, "completion", shell); err != nil || !strings.Contains(got, "runcladctl") {
			t.Errorf("%s: %v", shell, err)
		}
	}
	for _, tt := range []struct{ args, want string }{
		{"seccomp diff|d", "docker:nocaps"},
		{"seccomp explain|ope", "openat2"},
		{"seccomp explain socket|AF_V", "AF_VSOCK"},
		{"seccomp show --level|s", "strict"},
	} {
		words, begun, _ := strings.Cut(tt.args, "|")
		got, err := output(t, append(append([]string{cobra.ShellCompNoDescRequestCmd}, strings.Fields(words)...), begun)...)
		if err != nil || !strings.Contains(got, tt.want) {
			t.Errorf("%q: %v: %s", tt.args, err, got)
		}
	}
}
