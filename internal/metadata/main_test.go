// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// roleEnv makes the test binary play a part of a test in a process of its own.
const roleEnv = "RUNCLAD_METADATA_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "":
		os.Exit(m.Run())
	case "prober":
		prober()
	case "blocker":
		changed, err := Block(3, Options{})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Print(changed)
	}
}

// prober answers one attempt per line until its input ends.
func prober() {
	in := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var a attempt
		if err := json.Unmarshal(in.Bytes(), &a); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := out.Encode(a.try()); err != nil {
			os.Exit(1)
		}
	}
}
