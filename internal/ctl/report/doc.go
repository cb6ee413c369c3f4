// SPDX-License-Identifier: Apache-2.0

// Package report holds the containers of a node against the clauses of CIS
// Docker Benchmark section 5, the Kubernetes Pod Security Standards, the NSA/CISA
// hardening guide and NIST SP 800-190.
//
// Every verdict about a container rests on what the kernel shows of it while it
// runs. What runclad recorded and logged is a claim: where it says something else
// than the kernel, that is the first thing in the report.
//
// Gathering (gather.go) and judging (judge.go) are apart, so that the judgement
// of given facts can be tested without a container.
//
// What belongs here: clauses, verdicts, and the report as text, JSON and HTML.
// What does not: reading /proc (package node).
package report
