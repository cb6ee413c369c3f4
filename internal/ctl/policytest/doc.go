// SPDX-License-Identifier: Apache-2.0

// Package policytest runs unit tests of policies: given a workload, the rule,
// the profile, the mode and the refusals that are expected. docs/policy.md
// describes the files.
//
// Nothing is decided here: each workload walks the shim's own line
// (runtime.Explain).
package policytest
