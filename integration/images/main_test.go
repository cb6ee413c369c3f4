// SPDX-License-Identifier: Apache-2.0

package images

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

var update = flag.Bool("update", false, "write docs/images.md instead of comparing it")

// TestMain has the layers made before the bed is entered, which has no network.
func TestMain(m *testing.M) {
	if bed.Outside() {
		cmd := exec.Command("./build.sh")
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "images: build.sh:", err)
			os.Exit(1)
		}
	}
	// Containers mostly wait: more of them than there are cores.
	if err := flag.Set("test.parallel", "4"); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
	bed.Main(m)
}
