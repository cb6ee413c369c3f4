// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/block"
	"github.com/runclad/runclad/internal/metadata"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/stage"
)

// block sets the metadata block now if the network namespace exists already, or
// makes one that has it. A block in one that exists is not taken back if a later
// verb fails: containers that share the namespace may rely on it, and a block that
// outlives a failed create hides nothing that a container may see.
func (s *shim) block() error {
	if s.record.Block != record.BlockAtCreate {
		return nil
	}
	if s.plan.Network != "" {
		return s.pin(s.plan.Network)
	}
	return block.Namespace(s.plan.Facts.Namespaces["network"].Path, block.Options(*s.record))
}

// pin makes the container's network namespace, and gives it its name.
func (s *shim) pin(file string) error {
	if err := s.enter(); err != nil {
		return err
	}
	netns, err := metadata.New(block.Options(*s.record))
	if err != nil {
		return fmt.Errorf("make a network namespace that blocks the metadata endpoints: %w", err)
	}
	defer unix.Close(netns)
	if err := stage.Pin(netns, file); err != nil {
		return err
	}
	s.onFailure(func() { _ = stage.Unpin(file) })
	return nil
}
