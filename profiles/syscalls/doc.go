// SPDX-License-Identifier: Apache-2.0

// Package syscalls holds the table that every seccomp profile is made from:
// each system call with its numbers, what the profile does with it and why, the
// capabilities that bring it back, and the rules on its arguments.
//
// What belongs here: the table, the meaning of its rules ([Syscall.Decide]),
// and their translation into the cubes that libseccomp can compare
// ([Cover]). What does not: anything that runs when a container starts. The
// shim carries the generated result only, so this package may be as large as
// the reasons in it need; it must not be imported by package profiles itself.
package syscalls
