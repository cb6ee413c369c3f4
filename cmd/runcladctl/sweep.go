// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/runclad/runclad/internal/identity"
	"github.com/runclad/runclad/internal/record"
)

// sweep removes what containers that are gone have left.
func sweep(args []string, out io.Writer) error {
	if err := parse(flags("sweep"), args, 0, 0); err != nil {
		return err
	}
	store, err := record.Open(record.DefaultDir)
	if err != nil {
		return err
	}
	defer store.Close()
	claims, err := identity.Open(store)
	if err != nil {
		return err
	}
	defer claims.Close()
	swept, err := claims.Sweep()
	fmt.Fprintf(out, "%+v\n", swept)
	return err
}
