// SPDX-License-Identifier: Apache-2.0

// Package prelude hands the commands that need nothing of runclad off to the
// real runtime before Go itself has started.
//
// A Go program takes one to two milliseconds until main begins: memory is mapped,
// a handler is set for each signal, threads are made. `state`, `kill` and `delete`
// need none of it. Makefile names [entry] as the program's entry point (-E,
// cmd/link), on the architectures that have one here; it calls [passThrough], which
// execve's the runtime or returns, and then goes on to Go's own entry point, with
// [settings] for Go's runtime. Built without that, the program does the same later.
//
// A start is handed off as well if create has noted that nothing is left to be
// done before it.
//
// What belongs here: telling by argv and that note that a command is passed
// through, and finding the real runtime. What does not: everything that takes
// memory, a policy or a record; package runtime does that, and finds the runtime by
// the same code.
//
// Functions marked nosplit run without Go's runtime. They may not allocate, defer,
// panic or grow the stack, and what they keep lies in package variables: there is
// one thread. The linker checks their stack use.
package prelude
