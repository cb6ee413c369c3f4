// SPDX-License-Identifier: Apache-2.0

// Package bpf turns a linux.seccomp object into the BPF program that a runtime
// would load, and runs such programs.
//
// What belongs here: compiling with libseccomp as runc does (cgo; without cgo
// only the interpreter is built), and interpreting. What does not: anything a
// container's start depends on; the shim never imports this package.
package bpf
