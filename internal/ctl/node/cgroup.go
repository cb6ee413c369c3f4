// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
)

// cgroups returns the folders of a process's cgroups in all mounted hierarchies.
func cgroups(pid int, mounts []*mountinfo.Info) ([]string, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return nil, err
	}
	var out []string
	for line := range strings.Lines(string(data)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 || parts[2] == "/" || strings.HasPrefix(parts[2], "/..") {
			continue // everybody's, or outside of the cgroup namespace that is looked from
		}
		for _, m := range mounts {
			v2 := parts[1] == "" && m.FSType == "cgroup2"
			v1 := m.FSType == "cgroup" && parts[1] != "" && slices.Contains(strings.Split(m.VFSOptions, ","), strings.Split(parts[1], ",")[0])
			if v1 || v2 {
				out = append(out, filepath.Join(m.Mountpoint, parts[2]))
				break
			}
		}
	}
	return out, nil
}

// processes lists the processes of the container: those of its cgroups and of
// the cgroups below.
func processes(dirs []string) ([]int, error) {
	found := map[int]bool{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || !e.IsDir() {
				return err
			}
			data, err := os.ReadFile(filepath.Join(p, "cgroup.procs"))
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			for _, f := range strings.Fields(string(data)) {
				if pid, err := strconv.Atoi(f); err == nil && pid > 0 { // 0: outside of this PID namespace
					found[pid] = true
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	out := make([]int, 0, len(found))
	for pid := range found {
		out = append(out, pid)
	}
	slices.Sort(out)
	return out, nil
}

// Limit is a limit of a cgroup.
type Limit struct {
	Known bool
	Max   uint64 // 0 for none
	Text  string // where it was read
}

// limit reads the first of the files that one of the cgroups has. A v1 limit
// that is as good as none counts as none.
func limit(dirs []string, files ...string) Limit {
	for _, file := range files {
		for _, dir := range dirs {
			p := filepath.Join(dir, file)
			data, err := os.ReadFile(p)
			if err != nil {
				continue
			}
			value, _, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
			l := Limit{Known: true, Text: fmt.Sprintf("%s: %s", file, strings.TrimSpace(string(data)))}
			if n, err := strconv.ParseUint(value, 10, 64); err == nil && n < 1<<62 {
				l.Max = n
			}
			return l
		}
	}
	return Limit{}
}
