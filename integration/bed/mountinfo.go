// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"os"
	"strings"
)

// A mount is the part of a line of /proc/pid/mountinfo (proc_pid_mountinfo(5))
// that the bed looks at.
type mount struct {
	root, mountpoint, fstype, super string
}

// mountinfo lists the mounts of the own mount namespace.
func mountinfo() []mount {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	return parseMountinfo(string(b))
}

func parseMountinfo(text string) []mount {
	var out []mount
	for line := range strings.Lines(text) {
		left, right, ok := strings.Cut(strings.TrimSpace(line), " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !ok || len(l) < 6 || len(r) < 3 {
			continue
		}
		out = append(out, mount{root: l[3], mountpoint: unescape(l[4]), fstype: r[0], super: r[2]})
	}
	return out
}

// unescape undoes the octal escapes of mountinfo that occur in path names.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
