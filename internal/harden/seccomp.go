// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"

	"github.com/runclad/runclad/internal/spec"
)

// applySeccomp puts the Plan's filter in the place of the engine's. Where the
// policy prefers the engine's own profile, one that denies by default stays.
func applySeccomp(e *edit) {
	linux := e.doc.Ensure(e.doc.Root(), "linux", spec.Object)
	if e.Profile.Seccomp == "engine" && deniesByDefault(linux.Get("seccomp")) {
		return
	}
	e.doc.Set(linux, "seccomp", e.Seccomp.Clone())
}

// deniesByDefault reports whether a filter refuses what it does not name, and
// hands no system call to a supervisor outside.
func deniesByDefault(filter *spec.Value) bool {
	switch filter.Get("defaultAction").Str() {
	case "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP":
		return filter.Get("listenerPath") == nil
	}
	return false
}

func verifySeccomp(e *edit) error {
	filter := e.doc.Get("linux", "seccomp")
	if filter.Equal(e.Seccomp) || e.Profile.Seccomp == "engine" && deniesByDefault(filter) {
		return nil
	}
	return errors.New("the filter is not the generated one")
}
