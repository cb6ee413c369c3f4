// SPDX-License-Identifier: Apache-2.0

package prelude

// entry is called by the kernel.
func entry()

// thread is the thread-local storage while passThrough runs; its g is nil.
var thread [2]uintptr

// The linters do not read assembly.
var _, _ = entry, &thread
