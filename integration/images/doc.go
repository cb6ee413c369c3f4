// SPDX-License-Identifier: Apache-2.0

// Package images runs replicas of well-known images under runclad: built from
// Debian packages, with the users, ownerships, volumes, working directories and
// entrypoints of the official ones. Each is used for real, restarted, and, where
// it has a volume, made again on the same one, under plain runc, under the flags
// that a careful admin uses, and under runclad. What came of it is the table in
// docs/images.md, which the test compares, or writes with -update.
//
// What belongs here: recipes (recipes/NAME: packages, setup.sh, Dockerfile and
// the files that setup.sh installs), the script that makes layers of them, and
// the use that each image is put to. What does not: tests of one mechanism.
package images
