// SPDX-License-Identifier: Apache-2.0

// Package node finds the containers of this node, whoever made them, and reads
// from the kernel how each of them really runs.
//
// What runclad recorded and what the audit log says are claims; they are kept
// beside what /proc, the cgroups and the network namespace show, so that a reader
// can hold one against the other.
//
// What belongs here: runtimes' state roots, records, /proc. What does not: any
// judgement (package report), and any change of anything.
package node
