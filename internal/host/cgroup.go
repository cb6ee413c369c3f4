// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// InUse reports whether there are processes in the cgroup that linux.cgroupsPath
// names, or below it. They would have the container's limits, and crun kills them
// when it deletes the container; runc refuses such a container since 1.2. What is
// meant for systemd (slice:prefix:name) is new, or systemd says that it is not.
func InUse(cgroupsPath string) (bool, error) { return inUse("/sys/fs/cgroup", cgroupsPath) }

func inUse(root, cgroupsPath string) (bool, error) {
	if cgroupsPath == "" || strings.Count(cgroupsPath, ":") == 2 {
		return false, nil
	}
	hierarchies := []string{root}
	if !exists(path.Join(root, "cgroup.procs")) { // cgroup v1: one for each controller
		entries, err := os.ReadDir(root)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
		hierarchies = hierarchies[:0]
		for _, e := range entries {
			if e.IsDir() { // and not the links to those with two controllers
				hierarchies = append(hierarchies, path.Join(root, e.Name()))
			}
		}
	}
	for _, h := range hierarchies {
		if used, err := populated(path.Join(h, path.Clean("/"+cgroupsPath))); used || err != nil {
			return used, err
		}
	}
	return false, nil
}

// populated goes through a cgroup and those below it. Cgroups that go meanwhile
// hold nothing.
func populated(dir string) (bool, error) {
	found := false
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			var procs []byte
			procs, err = os.ReadFile(path.Join(p, "cgroup.procs"))
			if found = found || len(bytes.TrimSpace(procs)) > 0; found {
				return fs.SkipAll
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return found, err
}
