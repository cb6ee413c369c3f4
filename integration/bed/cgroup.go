// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const cgroupRoot = "/sys/fs/cgroup"

// A hierarchy is one mounted cgroup hierarchy and this process's place in it.
type hierarchy struct {
	mountpoint string
	v2         bool
	options    string // v1: what to mount it with again, for example "cpu,cpuacct"
	own        string // this process's cgroup, from /proc/self/cgroup
	only       bool   // v2 and the only hierarchy, that is, not the hybrid layout
}

// parent is the cgroup below which a bed makes its own: this process's, so that
// whatever limits it limits the bed too. The exception is a pure v2 host, where
// a cgroup with processes in it may not hand controllers to children (cgroups(7),
// "no internal processes"): there it is the root of the hierarchy.
func (h hierarchy) parent() string {
	if h.only {
		return h.mountpoint
	}
	return filepath.Join(h.mountpoint, h.own)
}

// hierarchies lists the cgroup hierarchies mounted at or below /sys/fs/cgroup.
func hierarchies() []hierarchy {
	own := ownGroups()
	var out []hierarchy
	for _, m := range mountinfo() {
		if m.fstype != "cgroup" && m.fstype != "cgroup2" {
			continue
		}
		if m.mountpoint != cgroupRoot && filepath.Dir(m.mountpoint) != cgroupRoot {
			continue
		}
		h := hierarchy{mountpoint: m.mountpoint, v2: m.fstype == "cgroup2"}
		if h.v2 {
			h.own, h.only = own[""], m.mountpoint == cgroupRoot
		} else {
			var opts []string
			for _, o := range strings.Split(m.super, ",") {
				switch {
				case o == "rw", o == "ro", o == "xattr", o == "noprefix", o == "clone_children", strings.HasPrefix(o, "release_agent="):
				default:
					opts = append(opts, o)
				}
			}
			h.options = strings.Join(opts, ",")
			h.own = own[h.options]
			if len(opts) == 2 && strings.HasPrefix(opts[1], "name=") { // "none,name=systemd"
				h.own = own[opts[1]]
			}
		}
		out = append(out, h)
	}
	return out
}

// ownGroups reads /proc/self/cgroup: the controllers, as the kernel lists them
// there, to the path; "" stands for v2.
func ownGroups() map[string]string {
	out := map[string]string{}
	f, err := os.Open("/proc/self/cgroup")
	if err != nil {
		return out
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if p := strings.SplitN(s.Text(), ":", 3); len(p) == 3 {
			out[p[1]] = p[2]
		}
	}
	return out
}

// makeGroups makes the bed's cgroup in every hierarchy and returns their paths.
func makeGroups(name string) ([]string, error) {
	var out []string
	for _, h := range hierarchies() {
		dir := filepath.Join(h.parent(), name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return out, fmt.Errorf("make the bed's cgroup: %w", err)
		}
		out = append(out, dir)
		// A new v1 cpuset is empty, and takes no process until it is filled
		// (cpuset(7)); for the other controllers the files do not exist.
		for _, f := range []string{"cpuset.cpus", "cpuset.mems"} {
			b, err := os.ReadFile(filepath.Join(h.parent(), f))
			if h.v2 || err != nil {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, f), b, 0o644); err != nil {
				return out, fmt.Errorf("fill the bed's cpuset: %w", err)
			}
		}
	}
	return out, nil
}

func joinGroups(groups []string, pid int) error {
	for _, g := range groups {
		if err := os.WriteFile(filepath.Join(g, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644); err != nil {
			return fmt.Errorf("join the bed's cgroup: %w", err)
		}
	}
	return nil
}

// groupsBelow lists the cgroups below dir, deepest first.
func groupsBelow(dir string) []string {
	var out []string
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && p != dir {
			out = append(out, p)
		}
		return nil
	})
	slices.Reverse(out)
	return out
}

// removeGroup removes a cgroup with all that is below it. A cgroup stays busy
// for a moment after its last process was killed.
func removeGroup(dir string) error {
	deadline := time.Now().Add(5 * time.Second)
	for {
		for _, g := range groupsBelow(dir) {
			_ = unix.Rmdir(g)
		}
		err := unix.Rmdir(dir)
		if err == nil || errors.Is(err, unix.ENOENT) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("remove cgroup %s: %w", dir, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
