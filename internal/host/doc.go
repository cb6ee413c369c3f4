// SPDX-License-Identifier: Apache-2.0

// Package host finds out what a spec's words mean on this host: which of its
// namespaces are the host's own, where its binds really lead, and where its
// writable places lie in the image. The steps of internal/harden do no I/O;
// what they need to know of the host is in Facts.
//
// The image is hostile: its paths are resolved with openat2(2) inside the
// rootfs and never opened for reading here.
package host
