// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"fmt"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/spec"
)

// applyMetadata has the container join the network namespace that the shim makes
// for it, or adds the hook that blocks the metadata endpoints where the runtime
// makes it and no call stands between that and the first instruction: some of
// `run`, and `restore`. On the other paths the Plan has neither.
func applyMetadata(e *edit) {
	switch ns := networkOf(e.doc); {
	case e.Network != "":
		e.doc.Set(ns, "path", spec.Text(e.Network))
	case e.Facts.Namespaces["network"].Owner == host.Own && ns.Get("path").Str() != "":
		e.doc.Delete(ns, "path") // of a document that was hardened before
	}
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

func networkOf(doc *spec.Document) *spec.Value {
	for _, ns := range doc.Get("linux", "namespaces").Elems() {
		if ns.Get("type").Str() == "network" {
			return ns
		}
	}
	return nil
}

func verifyMetadata(e *edit) error {
	have := networkOf(e.doc).Get("path").Str()
	if have != e.Network && e.Facts.Namespaces["network"].Owner == host.Own {
		return fmt.Errorf("the network namespace is %q and not %q", have, e.Network)
	}
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
