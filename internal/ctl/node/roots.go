// SPDX-License-Identifier: Apache-2.0

package node

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/record"
)

// patterns are where runtimes keep their state, by the engines' defaults: runc
// and crun themselves, Podman and CRI-O; containerd's shim, by namespace; Docker;
// and those of users who run Podman without root.
var patterns = []string{
	"/run/runc", "/run/crun",
	"/run/containerd/runc/*",
	"/run/docker/runtime-*/*",
	"/run/user/*/runc", "/run/user/*/crun",
}

// roots returns every folder that may hold runtimes' state: the usual ones, those
// of records and their neighbours, and those of Docker daemons that were started
// with another --exec-root. Each comes once, whatever links lead to it.
func roots(records []record.Record, daemons []Daemon) []string {
	globs := slices.Clone(patterns)
	for _, r := range records {
		globs = append(globs, r.Root)
		if base := filepath.Base(filepath.Dir(r.Root)); base == "runc" || strings.HasPrefix(base, "runtime-") {
			globs = append(globs, filepath.Dir(r.Root)+"/*")
		}
	}
	for _, d := range daemons {
		if dir := d.Flag("exec-root"); d.Name == "dockerd" && dir != "" {
			globs = append(globs, dir+"/runtime-*/*")
		}
	}
	var out []string
	seen := map[[2]uint64]bool{}
	for _, g := range globs {
		found, err := filepath.Glob(g)
		if err != nil {
			continue // a folder's own name with a [ in it
		}
		for _, dir := range found {
			var st unix.Stat_t
			if unix.Stat(dir, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
				continue
			}
			id := [2]uint64{uint64(st.Dev), st.Ino}
			if !seen[id] {
				seen[id] = true
				out = append(out, dir)
			}
		}
	}
	return out
}

// statesIn lists the containers that a runtime has state for below root, with
// the runtime's flavor: runc writes state.json, crun status.
func statesIn(root string) (map[string]string, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, e := range entries {
		if !e.IsDir() || record.CheckID(e.Name()) != nil {
			continue
		}
		for file, flavor := range map[string]string{"state.json": "runc", "status": "crun"} {
			if _, err := os.Lstat(filepath.Join(root, e.Name(), file)); err == nil {
				out[e.Name()] = flavor
			}
		}
	}
	return out, nil
}
