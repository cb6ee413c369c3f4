// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"path"
	"strings"

	"github.com/runclad/runclad/internal/argv"
	"github.com/runclad/runclad/internal/prelude"
)

// target is the real runtime.
type target struct {
	path   string
	flavor argv.Flavor
}

// locate finds the real runtime, and tells its command line by its name.
func locate() (target, error) {
	real, err := prelude.Runtime()
	if err != nil {
		return target{}, err
	}
	if strings.Contains(path.Base(real), "crun") {
		return target{real, argv.Crun}, nil
	}
	return target{real, argv.Runc}, nil
}
