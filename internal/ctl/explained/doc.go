// SPDX-License-Identifier: Apache-2.0

// Package explained shows what runclad would do with a container, or did: for
// people, as JSON, or as the difference of the specification.
//
// What belongs here: how it is shown. What does not: what is shown, which the
// shim's own line says (runtime.Explain) or the audit log.
package explained
