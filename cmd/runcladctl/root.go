// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/ctl/text"
	"github.com/runclad/runclad/runtime"
)

// The groups in which the help lists the commands.
const (
	groupSee    = "see"
	groupCheck  = "check"
	groupChange = "change"
)

// commands returns every command of the tool, a new one at each call: cobra
// keeps the values of flags in them.
func commands() []*cobra.Command {
	return []*cobra.Command{
		statusCommand(),
		reportCommand(),
		metricsCommand(),
		listCommand(),
		showCommand(),
		explainCommand(),
		auditCommand(),
		doctorCommand(),
		policyCommand(),
		seccompCommand(),
		exemptCommand(),
		breakGlassCommand(),
		sweepCommand(),
		installCommand(),
		uninstallCommand(),
		versionCommand(),
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "runcladctl",
		Short: "Look after the containers that runclad hardens on this node",
		Long: `runcladctl shows what runclad(8) did to the containers of this node, and why,
and checks what decides it. It changes nothing unless its name says so.

Exit status: 0 on success, 1 on failure or where a check found something,
2 for a call that is wrong.`,
		Version:           runtime.Version,
		Args:              noCommand,
		RunE:              noCommand,
		SilenceErrors:     true, // main prints them
		SilenceUsage:      true,
		DisableAutoGenTag: true,
	}
	root.AddGroup(
		&cobra.Group{ID: groupSee, Title: "See what runs and what happened:"},
		&cobra.Group{ID: groupCheck, Title: "Check before it matters:"},
		&cobra.Group{ID: groupChange, Title: "Change something:"},
	)
	root.AddCommand(commands()...)
	root.SetVersionTemplate("{{.Name}} version {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(cmd, "%v", err)
	})
	return root
}

// run executes the command that the arguments name.
func run(args []string, out io.Writer) error {
	root := rootCommand()
	root.SetArgs(afterDockerRun(args))
	root.SetOut(out)
	return root.ExecuteContext(context.Background())
}

// usageError is the error of a call that is no command, or has wrong arguments.
type usageError string

func (e usageError) Error() string { return string(e) }

// usage says what is wrong with a call and how it is right.
func usage(cmd *cobra.Command, format string, args ...any) error {
	return usageError(fmt.Sprintf("%s\n\nUsage:\n  %s\n\n%s --help says more.", fmt.Sprintf(format, args...), useLine(cmd), cmd.CommandPath()))
}

func useLine(cmd *cobra.Command) string {
	if cmd.HasAvailableSubCommands() && !strings.Contains(cmd.Use, " ") {
		return cmd.CommandPath() + " COMMAND"
	}
	return cmd.UseLine()
}

// noCommand is both the check of arguments and the action of a command that only
// groups others: whatever comes is wrong.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError(fmt.Sprintf("%s needs a command\n\n%s", cmd.CommandPath(), strings.TrimSpace(cmd.UsageString())))
	}
	cmd.SuggestionsMinimumDistance = 2 // SuggestionsFor has no default of its own
	hint := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usage(cmd, "%s has no command %q%s", cmd.CommandPath(), args[0], hint)
}

// arguments checks that there are least to most of them, without bound where
// most is negative.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return miscounted(cmd, args)
		}
		return nil
	}
}

// miscounted says that a call has more or fewer arguments than its command takes.
func miscounted(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage(cmd, "%s: an argument is missing", cmd.CommandPath())
	}
	return usage(cmd, "%s does not take %s", cmd.CommandPath(), text.Count(len(args), "argument"))
}

// jsonFlag gives a command the flag that every one with structured output has.
// answer obeys it.
func jsonFlag(cmd *cobra.Command) { cmd.Flags().Bool("json", false, "print JSON, for scripts") }

func asJSON(cmd *cobra.Command) bool {
	is, err := cmd.Flags().GetBool("json")
	return err == nil && is
}

// answer prints what a command found: as JSON, or for people.
func answer(cmd *cobra.Command, v any, print func(io.Writer) error) error {
	if asJSON(cmd) {
		return writeJSON(cmd.OutOrStdout(), v)
	}
	return print(cmd.OutOrStdout())
}

func writeJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
