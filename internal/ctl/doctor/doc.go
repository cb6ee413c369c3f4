// SPDX-License-Identifier: Apache-2.0

// Package doctor finds what on this node keeps containers from being hardened,
// or from starting: it tries what runclad will need, and reads what was
// configured.
//
// A probe has three answers. One that could not be made is said to be unknown,
// with the reason; it never counts as good.
//
// What belongs here: probes, and for each bad answer a remedy. What does not:
// mending anything, and the containers themselves (package status).
package doctor
