// SPDX-License-Identifier: Apache-2.0

// Package dockerrun makes of the arguments of docker run the specification that
// dockerd would send to the runtime, as far as runclad judges it. Tests hold it
// against what a real dockerd sent.
//
// What belongs here: the flags, and dockerd's defaults (moby, daemon/oci_linux.go
// and daemon/pkg/oci). What does not: the image, of which the caller says what it
// knows.
package dockerrun
