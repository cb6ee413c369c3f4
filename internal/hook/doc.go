// SPDX-License-Identifier: Apache-2.0

// Package hook is runclad as an OCI createRuntime hook (config.md, "POSIX-
// platform Hooks"): it blocks the metadata endpoints where no call of the
// runtime stands between the network namespace and the container's first
// instruction: for `restore`, and for a `run` whose network namespace the shim
// cannot make.
//
// Its instructions come from the container's record, which only root can
// write; from the spec it has no more than the record's name. A hook that fails
// fails the container.
package hook
