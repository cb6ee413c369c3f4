// SPDX-License-Identifier: Apache-2.0

// Command runcladctl is the operator's tool. What the shim must not carry lives
// here: one file for each command, and the work itself in packages of its own.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

func main() {
	err := run(os.Args[1:], os.Stdout)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "runcladctl:", err)
	if errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "runcladctl: what runclad keeps is root's alone: call this as root")
	}
	if u := usageError(""); errors.As(err, &u) {
		os.Exit(2)
	}
	os.Exit(1)
}
