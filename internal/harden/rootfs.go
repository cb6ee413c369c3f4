// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"path"

	"github.com/runclad/runclad/internal/spec"
)

// applyRootfs makes the root filesystem read-only, or leaves it as it is.
func applyRootfs(e *edit) {
	if e.Facts.RootfsAlias != "" {
		e.refuse("", "the rootfs is the host's %s", e.Facts.RootfsAlias)
	}
	for _, m := range e.doc.Get("mounts").Elems() {
		if e.Facts.Destinations[m] == "/" {
			e.refuse("", "a mount at / would stand in the place of the rootfs")
		}
	}
	if !e.Profile.WritableRootfs {
		e.doc.Set(e.doc.Ensure(e.doc.Root(), "root", spec.Object), "readonly", spec.Flag(true))
	}
}

func verifyRootfs(e *edit) error {
	if !e.doc.Get("root", "readonly").True() && (!e.Profile.WritableRootfs || e.asked.readonly.True()) {
		return errors.New("root.readonly is not true")
	}
	for _, m := range e.doc.Get("mounts").Elems() {
		if path.Clean("/"+m.Get("destination").Str()) == "/" {
			return errors.New("a mount lies over the rootfs")
		}
	}
	return nil
}
