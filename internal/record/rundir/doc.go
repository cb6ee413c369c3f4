// SPDX-License-Identifier: Apache-2.0

// Package rundir is file access below a folder that only root can reach: the
// run state of runclad.
//
// What belongs here: opening and checking that folder, and the few operations
// on names below it that the state is built of. What does not: what the names
// mean (packages record and identity).
//
// Names are taken relative to an open folder, so that a path is walked once.
// They come from runclad itself, never from a container; that no part of them
// is a symbolic link is a property of a folder that nobody else can write to.
package rundir
