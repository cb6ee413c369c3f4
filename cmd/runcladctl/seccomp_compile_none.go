// SPDX-License-Identifier: Apache-2.0

//go:build !(cgo && seccomp)

package main

import (
	"errors"
	"io"
)

// seccompCompile needs libseccomp, which needs cgo; this build is static and has
// neither.
func seccompCompile(io.Writer, string, bool, bool) error {
	return errors.New("this build has no libseccomp; build with: CGO_ENABLED=1 go build -tags seccomp ./cmd/runcladctl (needs libseccomp's headers)")
}
