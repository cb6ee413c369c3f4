// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"

	"github.com/runclad/runclad/internal/spec"
)

// applyRootfs makes the root filesystem read-only.
func applyRootfs(e *edit) {
	if e.Facts.RootfsAlias != "" {
		e.refuse("", "the rootfs is the host's %s", e.Facts.RootfsAlias)
	}
	e.doc.Set(e.doc.Ensure(e.doc.Root(), "root", spec.Object), "readonly", spec.Flag(true))
}

func verifyRootfs(e *edit) error {
	if !e.doc.Get("root", "readonly").True() {
		return errors.New("root.readonly is not true")
	}
	return nil
}
