// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"

	"github.com/runclad/runclad/internal/spec"
)

// applyMetadata adds the hook that blocks the metadata endpoints where no call
// of the runtime stands between the network namespace and the first
// instruction: `run` and `restore`. On the other paths the shim sets the block
// itself and the Plan has no hook.
func applyMetadata(e *edit) {
	if e.Hook == nil {
		return
	}
	list := e.doc.Ensure(e.doc.Ensure(e.doc.Root(), "hooks", spec.Object), "createRuntime", spec.Array)
	for _, h := range list.Elems() {
		if h.Equal(e.Hook) {
			return
		}
	}
	e.doc.Add(list, e.Hook.Clone())
}

func verifyMetadata(e *edit) error {
	if e.Hook == nil {
		return nil
	}
	for _, h := range e.doc.Get("hooks", "createRuntime").Elems() {
		if h.Equal(e.Hook) {
			return nil
		}
	}
	return errors.New("the hook that blocks the metadata endpoints is missing")
}
