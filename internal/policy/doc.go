// SPDX-License-Identifier: Apache-2.0

// Package policy says how far the containers of this node are hardened: the
// built-in defaults, and the policy file that loosens them.
//
// What belongs here: the schema of /etc/runclad/policy.toml, its defaults, its
// checks, and a sentence for each loosening. What does not: the choice of the
// real runtime, which must be found without reading any of this (a broken
// policy may never make a container unkillable).
package policy
