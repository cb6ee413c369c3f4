// SPDX-License-Identifier: Apache-2.0

// Package spec reads and writes the two documents that an engine hands to a
// runtime: config.json (OCI runtime-spec, config.md) and the process document
// of `exec --process`.
//
// A Document is lossless: fields that runclad does not know, and numbers that
// float64 cannot hold, come out as they went in. It is also strict where the
// runtimes disagree: runc decodes with encoding/json, which matches keys
// without regard to case and lets the last duplicate win; crun is
// case-sensitive. A document that two readers could understand differently is
// refused.
//
// What belongs here: JSON values, the shape check against the OCI schema,
// edits with attribution, and writing a file atomically. What does not: any
// opinion on what a container may do.
package spec

//go:generate go run ./shapegen
