// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

// TestMain runs the tests in private namespaces, where the stage's folder is
// their own.
func TestMain(m *testing.M) { bed.Main(m) }
