// SPDX-License-Identifier: Apache-2.0

// Package filter says what a linux.seccomp object of the OCI runtime
// specification decides, in pure Go: as runc and crun read it and libseccomp
// compiles it.
//
// What belongs here: reading such an object, deciding a call by it, and the
// arithmetic on sets of argument values that intersecting two filters needs.
// What does not: any profile of ours (package profiles), and BPF (package bpf,
// which tests hold this package against). The shim imports it.
package filter
