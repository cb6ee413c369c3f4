// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

// TestMain runs the tests where no container of the machine's shows.
func TestMain(m *testing.M) { bed.Main(m) }
