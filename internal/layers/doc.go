// SPDX-License-Identifier: Apache-2.0

// Package layers finds the directories that a root filesystem is made of: the
// layers of an overlay (overlayfs, Documentation/filesystems/overlayfs.rst), or
// the directory itself where it lies on an ordinary filesystem.
//
// What belongs here: reading /proc/self/mountinfo, and the rules by which
// overlayfs merges one directory from its layers. What does not: mounting.
package layers
