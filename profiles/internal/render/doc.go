// SPDX-License-Identifier: Apache-2.0

// Package render writes an OCI linux.seccomp object from calls that were
// prepared at build time. It is all that a running shim needs of the table:
// names, capability bits and finished JSON fragments.
//
// What belongs here: putting fragments together for one set of capabilities.
// What does not: the table, its reasons, and how rules become fragments; those
// are in profiles/syscalls and never reach the shim.
package render
