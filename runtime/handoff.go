// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"os"
	"path"
	"syscall"

	"github.com/runclad/runclad/internal/prelude"
)

// handOff becomes the real runtime. It returns only with an error. syscall.Exec
// also gives back the soft limit on open files that Go raises at start-up.
func (s *shim) handOff(args []string) error {
	vector := append([]string{path.Base(s.target.path)}, args...)
	if err := syscall.Exec(s.target.path, vector, prelude.Environ()); err != nil {
		return &os.PathError{Op: "execve", Path: s.target.path, Err: err}
	}
	return nil
}
