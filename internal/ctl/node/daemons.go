// SPDX-License-Identifier: Apache-2.0

package node

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Daemon is a process of an engine.
type Daemon struct {
	Name string // dockerd, containerd, crio
	PID  int
	Exe  string
	Args []string
	UID  uint32
}

// Daemons lists the engines' processes of this PID namespace.
func Daemons() []Daemon {
	var out []Daemon
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		comm, err := os.ReadFile("/proc/" + e.Name() + "/comm")
		if err != nil {
			continue
		}
		name := strings.TrimSpace(string(comm))
		if !slices.Contains([]string{"dockerd", "containerd", "crio", "buildkitd"}, name) {
			continue
		}
		d := Daemon{Name: name, PID: pid}
		if data, err := os.ReadFile("/proc/" + e.Name() + "/cmdline"); err == nil {
			d.Args = strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
		}
		d.Exe, _ = os.Readlink("/proc/" + e.Name() + "/exe")
		if st, err := readStatus(pid); err == nil {
			d.UID = st.UID[1]
		}
		out = append(out, d)
	}
	return out
}

// Flag returns the value of an option of the daemon's command line, "" if it was
// not given: --name value, --name=value, -name, -n.
func (d Daemon) Flag(names ...string) string {
	for i, a := range d.Args {
		if i == 0 || !strings.HasPrefix(a, "-") {
			continue
		}
		name, value, glued := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if !slices.Contains(names, name) {
			continue
		}
		if glued {
			return value
		}
		if i+1 < len(d.Args) {
			return d.Args[i+1]
		}
	}
	return ""
}

// Root returns the folder of a daemon's root directory through which its files
// are to be read: its own, where it runs in another mount namespace.
func (d Daemon) Root() string {
	own, err := os.Readlink("/proc/self/ns/mnt")
	theirs, errTheirs := os.Readlink("/proc/" + strconv.Itoa(d.PID) + "/ns/mnt")
	if err != nil || errTheirs != nil || own == theirs {
		return "/"
	}
	return filepath.Join("/proc", strconv.Itoa(d.PID), "root")
}
