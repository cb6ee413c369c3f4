// SPDX-License-Identifier: Apache-2.0

package enginespec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runclad/runclad/profiles"
)

// defaultCaps are those of a container without options (moby, daemon/pkg/oci/caps,
// DefaultCapabilities; containerd, pkg/oci, defaultUnixCaps).
var defaultCaps = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
	"CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
}

const all = "ALL"

// Capabilities returns what a container has: the defaults, with these added and
// those dropped; each is named with or without CAP_, or is ALL.
func Capabilities(add, drop []string, privileged bool) ([]string, error) {
	if privileged {
		return profiles.Capabilities[:], nil
	}
	add, err := names(add)
	if err != nil {
		return nil, err
	}
	drop, err = names(drop)
	if err != nil {
		return nil, err
	}
	switch {
	case slices.Contains(add, all):
		return minus(profiles.Capabilities[:], drop), nil
	case slices.Contains(drop, all):
		return add, nil
	}
	have := minus(defaultCaps, drop)
	for _, c := range add {
		if !slices.Contains(have, c) {
			have = append(have, c)
		}
	}
	return have, nil
}

func minus(list, without []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(c string) bool { return slices.Contains(without, c) })
}

func names(list []string) ([]string, error) {
	var out []string
	for _, c := range list {
		name := strings.ToUpper(c)
		if name != all {
			name = "CAP_" + strings.TrimPrefix(name, "CAP_")
			if profiles.Capability(name) < 0 {
				return nil, fmt.Errorf("%q is no capability (capabilities(7))", c)
			}
		}
		out = append(out, name)
	}
	return out, nil
}
