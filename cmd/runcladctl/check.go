// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/runclad/runclad/internal/policy"
)

// check reads a policy file and names what it loosens.
func check(args []string, out io.Writer) error {
	fs := flags("check")
	if err := parse(fs, args, 0, 1); err != nil {
		return err
	}
	place := policy.System
	if fs.NArg() == 1 {
		place = policy.Place{File: fs.Arg(0)}
	}
	p, err := place.Read()
	if err != nil {
		return err
	}
	if len(p.Files) == 0 {
		_, err := fmt.Fprintf(out, "%s is absent: the built-in defaults hold\n", place.File)
		return err
	}
	fmt.Fprintf(out, "%s is good\n", p.Source())
	for _, w := range p.Profile().Warnings() {
		fmt.Fprintln(out, "loosens:", w)
	}
	return nil
}
