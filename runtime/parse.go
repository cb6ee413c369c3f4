// SPDX-License-Identifier: Apache-2.0

package runtime

import "github.com/runclad/runclad/internal/argv"

// parse finds the real runtime and reads the arguments by its flag table.
func (s *shim) parse() (err error) {
	if s.target, err = locate(); err != nil {
		// The log and the verb are wanted for the report all the same.
		s.call, _ = argv.Parse(s.args[1:], workingDir(), argv.Runc)
		return err
	}
	s.call, err = argv.Parse(s.args[1:], workingDir(), s.target.flavor)
	return err
}

// root is where the real runtime keeps its state: what --root says, or the
// default that runc (main.go) and crun (libcrun/status.c) have for root.
func (s *shim) root() string {
	switch {
	case s.call.Root != "":
		return s.call.Root
	case s.target.flavor == argv.Crun:
		return "/run/crun"
	default:
		return "/run/runc"
	}
}
