// SPDX-License-Identifier: Apache-2.0

// Package deploy holds the files that runclad is put on nodes with. The two that
// runcladctl(8) writes as they are go into it; the others are read by people,
// by kubectl and by the package builder.
package deploy

import _ "embed"

// Policy is a policy file with every key and its default.
//
//go:embed policy.toml
var Policy []byte

// Logrotate is the rotation of the audit log.
//
//go:embed logrotate
var Logrotate []byte
