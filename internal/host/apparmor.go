// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"strings"
)

// engineProfiles returns those of the loaded AppArmor profiles that engines
// load for their containers. The kernel lists one a line, `name (mode)`; one in
// complain mode enforces nothing. A list that cannot be read names none.
func engineProfiles(file string) []string {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(data)) {
		name, mode, _ := strings.Cut(strings.TrimSpace(line), " ")
		if mode == "(enforce)" && (name == "docker-default" || name == "cri-containerd.apparmor.d" ||
			name == "crio-default" || strings.HasPrefix(name, "containers-default-")) {
			out = append(out, name)
		}
	}
	return out
}
