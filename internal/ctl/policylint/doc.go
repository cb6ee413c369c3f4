// SPDX-License-Identifier: Apache-2.0

// Package policylint finds what a policy does not do as it seems to, and what it
// gives away more widely than it has to.
//
// What belongs here: findings about a policy that can be read. What does not:
// what makes one unreadable (internal/policy), and how a profile's loosenings
// are put (policy.Profile.Warnings).
package policylint
