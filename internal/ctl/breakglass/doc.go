// SPDX-License-Identifier: Apache-2.0

// Package breakglass grants an operator more privilege in one container, for a
// time: what exec into it then gets, and the lines of the audit log that say so.
//
// What belongs here: granting and taking back. What does not: obeying a grant,
// which the shim does (runtime.exec), and its form (internal/record).
package breakglass
