// SPDX-License-Identifier: Apache-2.0

// Package control names what runclad enforces: one Control for each row of the
// promise, with the clauses of the published standards that ask for it, and
// Refusal, the error that says which control stopped a container and which
// policy line would let it pass.
//
// What belongs here: names, clauses, wording. What does not: how a control is
// applied (internal/harden).
package control
