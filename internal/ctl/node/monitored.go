// SPDX-License-Identifier: Apache-2.0

package node

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/workload"
)

// A container whose runtime keeps its state where nobody looks still has a
// process, and engines watch over those: containerd's shim and conmon start each
// of them, or adopt it.

// monitored is a process that an engine's monitor watches over, in a mount
// namespace of its own.
type monitored struct {
	record.Process
	mnt     string // its mount namespace
	monitor Daemon
}

// monitoredProcesses lists them.
func monitoredProcesses() []monitored {
	monitors := map[int]Daemon{}
	parents := map[int]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		// pid (comm) state ppid, proc_pid_stat(5); comm may hold parentheses.
		open, end := strings.IndexByte(string(stat), '('), strings.LastIndexByte(string(stat), ')')
		if open < 0 || end < open {
			continue
		}
		fields := strings.Fields(string(stat[end+1:]))
		if len(fields) < 2 {
			continue
		}
		parents[pid], _ = strconv.Atoi(fields[1])
		// A comm has 15 bytes: containerd-shim-runc-v2 is cut.
		if comm := string(stat[open+1 : end]); strings.HasPrefix(comm, "containerd-shim") || comm == "conmon" {
			cmdline, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
			monitors[pid] = Daemon{Name: comm, PID: pid, Args: strings.Split(string(cmdline), "\x00")}
		}
	}
	var out []monitored
	for pid, parent := range parents {
		monitor, ok := monitors[parent]
		if _, also := monitors[pid]; !ok || also {
			continue
		}
		mnt, err := mountNamespace(pid)
		theirs, errTheirs := mountNamespace(parent)
		if err != nil || errTheirs != nil || mnt == theirs {
			continue
		}
		if p, err := record.Lookup(pid); err == nil {
			out = append(out, monitored{Process: p, mnt: mnt, monitor: monitor})
		}
	}
	slices.SortFunc(out, func(a, b monitored) int { return a.PID - b.PID })
	return out
}

func mountNamespace(pid int) (string, error) {
	return os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/mnt")
}

// strays are those of the monitored processes that belong to none of the known
// containers: one of each mount namespace. The processes have to be those of
// before the containers were listed, so that one that is made meanwhile is no
// stray.
func strays(before []monitored, known []*Container) []*Container {
	seen := map[string]bool{}
	for _, c := range known {
		if c.Process.PID != 0 {
			if mnt, err := mountNamespace(c.Process.PID); err == nil {
				seen[mnt] = true
			}
		}
	}
	var out []*Container
	for _, m := range before {
		if seen[m.mnt] {
			continue
		}
		seen[m.mnt] = true
		if alive, err := m.Alive(); err != nil || !alive {
			continue
		}
		out = append(out, &Container{ID: idOf(m.PID), State: Running, Process: m.Process, Engine: engineOf(m.monitor)})
	}
	return out
}

// idOf finds a container's ID in the name of a cgroup of its process.
func idOf(pid int) string {
	data, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	for line := range strings.Lines(string(data)) {
		name := strings.TrimSuffix(filepath.Base(strings.TrimSpace(line)), ".scope")
		if id := name[strings.LastIndexByte(name, '-')+1:]; len(id) == 64 && strings.Trim(id, "0123456789abcdef") == "" {
			return id
		}
	}
	return "pid-" + strconv.Itoa(pid)
}

// engineOf tells the engine from its monitor's command line.
func engineOf(monitor Daemon) string {
	if monitor.Name == "conmon" {
		if slices.ContainsFunc(monitor.Args, func(a string) bool { return strings.Contains(a, "crio") }) {
			return workload.CRIO
		}
		return workload.Podman
	}
	switch monitor.Flag("namespace") {
	case "moby":
		return workload.Docker
	case "k8s.io":
		return workload.CRI
	}
	return workload.Containerd
}
