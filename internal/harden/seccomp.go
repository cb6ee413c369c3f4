// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"

	"github.com/runclad/runclad/internal/spec"
)

// applySeccomp puts the Plan's filter in the place of the engine's. The Plan's
// was made with regard to the engine's (profiles.Meet): it allows nothing that
// the engine's refuses; or it is the engine's own, or none, as the profile says.
func applySeccomp(e *edit) {
	if e.doc.Get("linux", "seccomp").Equal(e.Seccomp) {
		return
	}
	e.doc.Set(e.doc.Ensure(e.doc.Root(), "linux", spec.Object), "seccomp", e.Seccomp.Clone())
}

func verifySeccomp(e *edit) error {
	if !e.doc.Get("linux", "seccomp").Equal(e.Seccomp) {
		return errors.New("the filter is not the one that was decided")
	}
	return nil
}
