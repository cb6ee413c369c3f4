// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"slices"

	"github.com/runclad/runclad/internal/spec"
)

// applyFileCaps mounts programs over themselves, nosuid. Under no_new_privs and
// with an empty bounding set their file capabilities give nothing; where a file
// says that its program cannot do without them, execve(2) would fail.
func applyFileCaps(e *edit) {
	for _, p := range e.FileCaps {
		if !overItself(e, p) {
			mounts := e.doc.Ensure(e.doc.Root(), "mounts", spec.Array)
			e.doc.Insert(mounts, len(mounts.Elems()), p.mount())
		}
	}
}

func overItself(e *edit, p Program) bool {
	return slices.ContainsFunc(e.doc.Get("mounts").Elems(), func(m *spec.Value) bool {
		return m.Get("destination").Str() == p.Path && m.Get("source").Str() == p.Staged
	})
}

func verifyFileCaps(e *edit) error {
	for _, p := range e.FileCaps {
		if !overItself(e, p) {
			return fmt.Errorf("%s is not mounted over itself", p.Path)
		}
	}
	return nil
}
