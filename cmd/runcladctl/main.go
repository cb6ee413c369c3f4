// SPDX-License-Identifier: Apache-2.0

// Command runcladctl is the operator's tool. What the shim must not carry lives
// here: one file for each command.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/runclad/runclad/runtime"
)

const usage = `usage: runcladctl COMMAND

  list [--json]    the containers of this node that runclad created
  show CONTAINER   the record of one, as JSON
  sweep            remove what containers that are gone have left
  check [FILE]     check a policy file; name what it loosens
  seccomp COMMAND  seccomp profiles: show, explain, diff, check, compile
  install          name runclad to the engines of this node
  uninstall        take that back
  version          print the version
`

func main() {
	err := run(os.Args[1:], os.Stdout)
	if err == nil {
		return
	}
	if u := usageError(""); errors.As(err, &u) {
		fmt.Fprint(os.Stderr, string(u))
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "runcladctl:", err)
	os.Exit(1)
}

// usageError is the error of a call that is no command, or has wrong arguments:
// the text says what would be right.
type usageError string

func (e usageError) Error() string { return string(e) }

// command is one of the tool's commands.
type command struct {
	name string
	run  func(args []string, out io.Writer) error
}

// commands are searched in order.
var commands = []command{
	{"list", list},
	{"show", show},
	{"sweep", sweep},
	{"check", check},
	{"seccomp", seccomp},
	asCommand(installCommand()),
	asCommand(uninstallCommand()),
	{"version", version},
}

func run(args []string, out io.Writer) error { return dispatch(commands, usage, args, out) }

func dispatch(commands []command, usage string, args []string, out io.Writer) error {
	if len(args) > 0 {
		for _, c := range commands {
			if c.name == args[0] {
				return c.run(args[1:], out)
			}
		}
	}
	return usageError(usage)
}

// flags returns an empty set of options whose errors become usage errors.
func flags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return fs
}

// parse reads options, which may stand before or after the other arguments, of
// which there must be least to most (without bound where most is negative).
func parse(fs *flag.FlagSet, args []string, least, most int) error {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			return usageError(fmt.Sprintf("runcladctl %s: %v\n", fs.Name(), err))
		}
		if args = fs.Args(); len(args) == 0 {
			break
		}
		rest, args = append(rest, args[0]), args[1:]
	}
	if len(rest) < least || most >= 0 && len(rest) > most {
		return usageError(fmt.Sprintf("runcladctl %s: %d arguments\n%s", fs.Name(), len(rest), usage))
	}
	return fs.Parse(append([]string{"--"}, rest...))
}

func writeJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// version prints the version.
func version(args []string, out io.Writer) error {
	if err := parse(flags("version"), args, 0, 0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "runcladctl version", runtime.Version)
	return err
}
