// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

func TestMain(m *testing.M) { bed.Main(m) }
