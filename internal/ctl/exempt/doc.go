// SPDX-License-Identifier: Apache-2.0

// Package exempt writes exemptions: a rule in a file of its own in the policy's
// folder, for one workload, with an owner, a reason and an end, and the profile
// that it needs.
//
// What belongs here: making, placing, listing and removing them. What does not:
// what a rule means (internal/policy), and whether it is too wide
// (internal/ctl/policylint).
package exempt
