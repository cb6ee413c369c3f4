// SPDX-License-Identifier: Apache-2.0

// Package report looks at a process from inside: who it is, what it may do,
// where it can write and what it can reach. The probe program runs it in
// containers; tests, the demo and the benchmark read what it printed.
//
// It uses the standard library and x/sys/unix alone, and states facts only:
// whether a fact is good is for the reader to say.
package report
