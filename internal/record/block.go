// SPDX-License-Identifier: Apache-2.0

package record

// How a container's metadata block is set (Record.Block).
const (
	BlockAtCreate = "create"  // the network namespace existed, or create made it: set before the runtime was called
	BlockAtStart  = "start"   // the runtime made the namespace: set by start, or an exec before it
	BlockByHook   = "hook"    // the runtime makes it and no start follows: set by runclad as createRuntime hook
	BlockAllowed  = "allowed" // the policy leaves the endpoints open
)
