// SPDX-License-Identifier: Apache-2.0

// Noop does nothing: the least that a Go program can take to start and end,
// against which the benchmark measures the shim.
package main

func main() {}
