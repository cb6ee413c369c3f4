// SPDX-License-Identifier: Apache-2.0

package host

import (
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

// TestMain runs the tests in private namespaces: they mount, and /proc/1 has to
// be one that root may look at.
func TestMain(m *testing.M) { bed.Main(m) }
