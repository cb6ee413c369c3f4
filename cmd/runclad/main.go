// SPDX-License-Identifier: Apache-2.0

// Command runclad takes runc's place: it hardens each container's OCI spec and
// hands off to the real runtime. See package runtime.
package main

import (
	"os"

	"github.com/runclad/runclad/runtime"
)

func main() { os.Exit(runtime.Main(os.Args)) }
