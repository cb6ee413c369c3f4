// SPDX-License-Identifier: Apache-2.0

// Package runtime is the shim: what happens between the call that an engine
// makes and the execve(2) of the real runtime.
//
// One straight line, a verb a file:
//
//	parse → load → identify → decide → stage → apply and verify → write → audit → hand off
//
// create, run, restore and exec walk it; start makes sure that the metadata
// block stands; every other command is handed off at once, with its argument
// vector untouched, reading nothing: a container that runs can always be
// stopped, whatever happens to runclad, its policy or its state.
//
// What belongs here: the order of things, and undoing them when a later one
// fails. What does not: how any of them is done.
package runtime
