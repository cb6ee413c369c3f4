// SPDX-License-Identifier: Apache-2.0

// Package install tests install.sh, with the engines' own programs as judges of
// the files that it writes.
//
// What belongs here: which files install.sh writes, what it leaves alone, and
// that it takes everything back. What does not: what a container gets under an
// engine (the folder above).
package install
