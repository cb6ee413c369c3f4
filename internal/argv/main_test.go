// SPDX-License-Identifier: Apache-2.0

package argv

import (
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

// TestMain runs the tests in private namespaces: crun makes its /run/crun even to
// tell its version.
func TestMain(m *testing.M) { bed.Main(m) }
