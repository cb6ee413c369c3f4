// SPDX-License-Identifier: Apache-2.0

// Package harden holds the steps: one control each, in a file of its own, with
// the check of its invariant beside it.
//
// A step is pure. All choices, host facts and random numbers are in the Plan;
// a step does no I/O, reads no clock, is idempotent, and only tightens. What it
// cannot put right without changing what the container means, it refuses, with
// the policy line that would allow it. Verify then re-checks each invariant on
// the finished document, whatever the steps did.
//
// Adding a control is adding a file and one line in the table below.
package harden
