// SPDX-License-Identifier: Apache-2.0

// Package install names runclad to a node's engines, and takes that back.
//
// All of it is planned before anything is written: each engine's part says
// which files become what, after the engine's own program has read the new
// content and nothing else in it has changed. Files are replaced by rename(2),
// with a copy of the old one beside them. A second run changes nothing. No
// daemon is restarted or reloaded: the command is reported.
//
// What belongs here: the engines' files, the programs of runclad and what comes
// with them, and who still depends on them. What does not: the command line
// (cmd/runcladctl), and what a container gets.
package install
