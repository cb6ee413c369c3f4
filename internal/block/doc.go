// SPDX-License-Identifier: Apache-2.0

// Package block finds the network namespace of a container and has the
// metadata endpoints blocked in it (internal/metadata), before the container's
// first instruction. It serves the shim (create, start, exec) and the hook
// (run, restore) alike.
//
// A namespace that turns out to be the host's is never touched: the rules would
// cut off the host itself.
package block
