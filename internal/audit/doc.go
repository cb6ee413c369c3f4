// SPDX-License-Identifier: Apache-2.0

// Package audit writes one JSON line for each decision about a container.
//
// The log is opened by its path for each line and written with one write(2) on
// O_APPEND, so that lines of concurrent creates do not mix and a log that was
// rotated away is not written to any more. Where the log cannot be written (the
// disk is full, the directory is gone) the line goes to a fallback in the run
// state, which lies in memory and is bounded.
//
// What belongs here: the form of the line, and getting it to disk. What does
// not: the choice of what to do when neither place takes it (internal/policy).
package audit
