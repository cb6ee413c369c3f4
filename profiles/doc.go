// SPDX-License-Identifier: Apache-2.0

// Package profiles hands out the seccomp profile of a container. It is part of
// the shim: what can be computed at build time is generated, and the profile of
// a container without capabilities is embedded as it is written into
// config.json.
//
// What belongs here: choosing and putting together profiles from generated
// parts. What does not: the table of system calls, its rules and its reasons
// (package syscalls), which the shim never carries; and policy, which decides
// the capabilities before it asks for a profile.
package profiles

//go:generate go run ./seccompgen
