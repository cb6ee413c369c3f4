// SPDX-License-Identifier: Apache-2.0

// Command seccompgen writes what package profiles embeds: for each architecture
// the profile of a container without capabilities (zz_seccomp_GOARCH.json) and
// the calls from which profiles with capabilities are put together
// (zz_calls_GOARCH.go). Run it with go generate in profiles/.
package main

import (
	"fmt"
	"os"

	"github.com/runclad/runclad/profiles/internal/source"
)

func main() {
	for _, goarch := range source.Architectures {
		files, err := source.Files(goarch)
		if err != nil {
			fmt.Fprintln(os.Stderr, "seccompgen:", err)
			os.Exit(1)
		}
		for _, f := range files {
			if err := os.WriteFile(f.Name, f.Content, 0o644); err != nil {
				fmt.Fprintln(os.Stderr, "seccompgen:", err)
				os.Exit(1)
			}
		}
	}
}
