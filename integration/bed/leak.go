// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A hostState is what the host looks like from outside the bed. Other programs
// may change the host while a bed runs, so only what names a bed or runclad
// counts as left behind.
type hostState struct {
	mounts, netns []string
}

func snapshot() hostState {
	var s hostState
	for _, m := range mountinfo() {
		s.mounts = append(s.mounts, m.mountpoint+" "+m.fstype+" "+m.super)
	}
	s.netns, _ = filepath.Glob("/run/netns/*")
	return s
}

// engineGroups are the parents that engines make for their containers and keep.
var engineGroups = []string{
	"docker", "default", "k8s.io", "libpod_parent", "machine.slice", "system.slice",
	"user.slice", "kubepods", "init", "buildkit", "moby", "conmon", "runclad-test",
	"bed", // the containerd namespace that tests use
}

// leftBehind lists what is on the host now and was not before: mounts, network
// namespaces, and cgroups of containers that nothing deleted. A process that
// survived would show as a cgroup that cannot be removed.
func leftBehind(name string, before hostState, groups []string) []string {
	now := snapshot()
	var out []string
	for _, m := range now.mounts {
		if !slices.Contains(before.mounts, m) && (strings.Contains(m, name) || strings.Contains(m, "runclad")) {
			out = append(out, "mount "+m)
		}
	}
	for _, n := range now.netns {
		if !slices.Contains(before.netns, n) && strings.HasPrefix(filepath.Base(n), nsPrefix) {
			out = append(out, "network namespace "+n)
		}
	}
	for _, g := range groups {
		for _, sub := range groupsBelow(g) {
			if len(groupsBelow(sub)) == 0 && !slices.Contains(engineGroups, filepath.Base(sub)) {
				out = append(out, "cgroup "+sub)
			}
		}
		if b, err := os.ReadFile(filepath.Join(g, "cgroup.procs")); err == nil && len(b) > 0 {
			out = append(out, fmt.Sprintf("processes in %s: %q", g, b))
		}
	}
	return out
}
