// SPDX-License-Identifier: Apache-2.0

// Bench prints what runclad costs, as a table:
//
//	pass-through   a command that is handed off unread, against the runtime
//	               called directly, and against an empty Go program's start
//	lifecycle      create, start and delete through runclad, against the
//	               runtime alone with Docker's default seccomp profile
//	places         what 1 and 8 writable places with 200 and with 20,000 files
//	               add to a create, and the memory they take before anything is
//	               written
//	growth         the time of a create, early and late in a long row of them,
//	               with many containers alive
//	burst          many creates at once: failures, and UIDs given twice
//	seccomp        what a profile adds to `run` on each runtime, and to single
//	               system calls: none, runclad, strict, Docker's default
//
// Variants are interleaved, so that a machine that grows slower does so for
// both, and compared pair by pair: the median of the differences and of the
// ratios, not the difference of medians. Absolute times on a shared machine
// are soft; the ratios hold. Bundles lie on a tmpfs, as engines have them.
//
// Nothing here passes or fails; a benchmark that could fail would be a test
// that depends on the weather.
package main
