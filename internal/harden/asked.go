// SPDX-License-Identifier: Apache-2.0

package harden

import "github.com/runclad/runclad/internal/spec"

// asked holds members of the document as the engine sent it. The invariants of
// controls that a profile leaves to the engine are held against them.
type asked struct {
	user, capabilities, noNewPrivileges *spec.Value
	readonly                            *spec.Value
	maskedPaths, readonlyPaths          *spec.Value
}

func askedFor(doc *spec.Document, process *spec.Value) asked {
	return asked{
		user:            process.Get("user").Clone(),
		capabilities:    process.Get("capabilities").Clone(),
		noNewPrivileges: process.Get("noNewPrivileges").Clone(),
		readonly:        doc.Get("root", "readonly").Clone(),
		maskedPaths:     doc.Get("linux", "maskedPaths").Clone(),
		readonlyPaths:   doc.Get("linux", "readonlyPaths").Clone(),
	}
}
