// SPDX-License-Identifier: Apache-2.0

// Package stage prepares what a spec cannot say: mounts in a mount namespace of
// the shim's own, from which the runtime binds them into the container.
//
// The runtime is executed in that namespace. Nothing that is mounted here ever
// shows on the host, and all of it is gone with the container, also if the shim
// or the engine is killed at any point: the kernel drops the mounts with the
// last process of the namespaces that hold them. Mounts of the host still reach
// the container (mount_namespaces(7), MS_SLAVE); those of the container do not
// reach the host, which runclad does not allow anyway.
//
// What belongs here: making the mounts. What does not: which places and volumes
// get one (internal/places).
package stage
