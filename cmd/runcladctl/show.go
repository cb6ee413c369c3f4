// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/runclad/runclad/internal/record"
)

// show prints the record of a container, found by its ID or an unambiguous
// beginning of it.
func show(args []string, out io.Writer) error {
	fs := flags("show")
	if err := parse(fs, args, 1, 1); err != nil {
		return err
	}
	id := fs.Arg(0)
	all, err := records()
	if err != nil {
		return err
	}
	var found []record.Record
	for _, r := range all {
		if len(id) > 0 && len(r.ID) >= len(id) && r.ID[:len(id)] == id {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		return fmt.Errorf("%d containers begin with %q", len(found), id)
	}
	return writeJSON(out, found[0])
}
