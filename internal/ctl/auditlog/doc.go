// SPDX-License-Identifier: Apache-2.0

// Package auditlog reads what package audit writes: the log, the files that
// were rotated away, and the fallback that takes lines while the log cannot be
// written.
//
// A line that cannot be read is shown as such and never ends the reading: the
// log is what one turns to after something went wrong.
//
// What belongs here: finding the files, reading and following them, filters, and
// the form for people. What does not: the form of the line, which is package
// audit's; a test holds Entry against it field by field.
package auditlog
