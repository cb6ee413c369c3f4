// SPDX-License-Identifier: Apache-2.0

// Package install tests install.sh and runcladctl install below it, with the
// engines' own programs as judges of the files that they write.
//
// What belongs here: which files are written, what is left alone, and that
// everything is taken back. What does not: what a container gets under an
// engine (the folder above).
package install
