// SPDX-License-Identifier: Apache-2.0

// Package record keeps what runclad knows of a container from its create until
// it is gone: who it is, under which UID it runs, what the policy gave back.
// An exec reads it, instead of believing the engine's process file.
//
// What belongs here: the record, the folder it lies in with the container's
// generated passwd and group files, and the question whether a container still
// exists. What does not: who may have which UID (package identity), and any
// policy.
//
// # Folders
//
//	/run/runclad/container/<id>.<hash of root>/<creation>/record.json
//	                                                      passwd
//	                                                      group
//	                                                      ready
//
// A creation is one attempt to create a container, named after the process
// that makes it: <pid>.<start time>.<hash of root and ID>. The kernel gives no
// two processes of one boot the same pid and start time, so the name never
// comes back, and whatever is unlinked below it belongs to that attempt alone.
// An engine that restarts a container creates the same ID again.
//
// A record is prepared in a folder container/.new.<creation> and takes its
// place by one rename(2), which succeeds only where there is nothing, or an
// empty folder. So there is never half a record, never two, and no lock: a
// writer that finds a record of a container that is gone removes that very
// creation and tries again; a reclaimer removes a creation it has seen to be
// dead, then the folder above if it is empty. Neither can hit a newer record.
//
// # Trust and lifetime
//
// Everything is below a folder with mode 0700 that belongs to root; package
// rundir checks it before anything in it is believed. The folder must be on a
// file system that is emptied at boot, as /run is (hier(7)), and must be used
// from one PID and mount namespace, since pids and paths are compared. Bind
// mounts of passwd and group work from inside: the runtime that resolves the
// source is root, and a mount does not ask again for the folders above.
package record
