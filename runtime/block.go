// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"github.com/runclad/runclad/internal/block"
	"github.com/runclad/runclad/internal/record"
)

// block sets the metadata block now if the network namespace exists already.
// It is not taken back if a later verb fails: containers that share the
// namespace may rely on it, and a block that outlives a failed create hides
// nothing that a container may see.
func (s *shim) block() error {
	if s.record.Block != record.BlockAtCreate {
		return nil
	}
	return block.Namespace(s.plan.Facts.Namespaces["network"].Path, block.Options(*s.record))
}
