// SPDX-License-Identifier: Apache-2.0

// Package policyshow shows the policy as it is in effect: every profile in full,
// with the place that each value comes from, and the rules in their order.
package policyshow
