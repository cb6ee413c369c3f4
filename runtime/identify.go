// SPDX-License-Identifier: Apache-2.0

package runtime

import "github.com/runclad/runclad/internal/workload"

// identify says who the container is, for policy and audit.
func (s *shim) identify() error {
	s.workload = workload.Identify(s.root(), s.call.Bundle, s.call.ID, s.doc)
	return nil
}
