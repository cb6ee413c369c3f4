// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestEngineProfiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "profiles")
	const list = "/usr/bin/man (enforce)\ncontainers-default-0.50.1 (enforce)\ndocker-default (enforce)\ncrio-default (complain)\nnothing\n"
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := engineProfiles(file), []string{"containers-default-0.50.1", "docker-default"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := engineProfiles(file + ".absent"); got != nil {
		t.Errorf("%q of a file that is absent", got)
	}
}
