// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

// applyProcessLimits sets the core size to 0 where none is set (a core file
// holds the process's secrets), takes back a head start with the OOM killer and
// the scheduler, and leaves the other limits to their owner.
func applyProcessLimits(e *edit) {
	if needsCoreLimit(e) {
		e.doc.Add(e.doc.Ensure(e.process, "rlimits", spec.Array), spec.Map(
			spec.M("type", spec.Text("RLIMIT_CORE")), spec.M("hard", spec.Int(0)), spec.M("soft", spec.Int(0))))
	}
	if privilegedOOM(e) {
		e.doc.Set(e.process, "oomScoreAdj", spec.Int(0))
	}
	if realtime(e) {
		e.doc.Delete(e.process, "scheduler")
	}
	if realtimeIO(e) {
		e.doc.Delete(e.process, "ioPriority")
	}
}

// needsCoreLimit asks of an exec what it asks of a container: without limits of
// its own it would take those of whoever called the runtime. runc falls back on
// its Config.Rlimits, which no specification fills (specconv.CreateLibcontainerConfig).
func needsCoreLimit(e *edit) bool {
	if e.Profile.Priority {
		return false
	}
	for _, l := range e.process.Get("rlimits").Elems() {
		if l.Get("type").Str() == "RLIMIT_CORE" {
			return false
		}
	}
	return true
}

// privilegedOOM knows a container that would be killed after the host's own
// services. Under Kubernetes the kubelet sets it by QoS class; it stays.
func privilegedOOM(e *edit) bool {
	n, ok := e.process.Get("oomScoreAdj").Int64()
	return ok && n < 0 && !e.Profile.Priority && e.Workload.Engine != workload.CRI && e.Workload.Engine != workload.CRIO
}

// realtime knows the scheduling that the container itself could not ask for
// (sched(7)); the runtime sets it as root.
func realtime(e *edit) bool {
	if e.Profile.Priority {
		return false
	}
	if nice, ok := e.process.Get("scheduler", "nice").Int64(); ok && nice < 0 {
		return true
	}
	switch e.process.Get("scheduler", "policy").Str() {
	case "SCHED_FIFO", "SCHED_RR", "SCHED_DEADLINE":
		return true
	}
	return false
}

func realtimeIO(e *edit) bool {
	return !e.Profile.Priority && e.process.Get("ioPriority", "class").Str() == "IOPRIO_CLASS_RT"
}

func verifyProcessLimits(e *edit) error {
	if needsCoreLimit(e) || privilegedOOM(e) || realtime(e) || realtimeIO(e) {
		return errors.New("a limit is missing")
	}
	return nil
}

// applyPidsLimit bounds the number of processes where the engine does not; 0
// and -1 mean no limit (config-linux.md, "PIDs"). unified holds the names of
// cgroup v2's files, written after all others, "max" for no limit. Limits are of
// use in a cgroup of the container's own only.
func applyPidsLimit(e *edit) {
	linux := e.doc.Ensure(e.doc.Root(), "linux", spec.Object)
	resources := e.doc.Ensure(linux, "resources", spec.Object)
	pids := e.doc.Ensure(resources, "pids", spec.Object)
	if n, ok := pids.Get("limit").Int64(); !ok || n <= 0 {
		e.doc.Set(pids, "limit", spec.Int(e.Profile.PidsLimit))
	}
	if unlimited(resources) {
		e.doc.Set(resources.Get("unified"), "pids.max", spec.Text(strconv.FormatInt(e.Profile.PidsLimit, 10)))
	}
	if cg := linux.Get("cgroupsPath").Str(); strayCgroup(cg) {
		e.refuse("", "linux.cgroupsPath %s is not a cgroup of the container's own", quote(cg))
	}
}

func unlimited(resources *spec.Value) bool {
	max := resources.Get("unified", "pids.max")
	if max == nil {
		return false
	}
	n, err := strconv.ParseInt(max.Str(), 10, 64)
	return err != nil || n <= 0
}

// strayCgroup knows the path of the root cgroup, and paths that say one cgroup
// and mean another.
func strayCgroup(p string) bool {
	return p != "" && (path.Clean("/"+p) == "/" || slices.Contains(strings.Split(p, "/"), ".."))
}

func verifyPidsLimit(e *edit) error {
	linux := e.doc.Get("linux")
	if n, ok := linux.Get("resources", "pids", "limit").Int64(); !ok || n <= 0 || unlimited(linux.Get("resources")) {
		return errors.New("the number of processes is not limited")
	}
	if strayCgroup(linux.Get("cgroupsPath").Str()) {
		return errors.New("the cgroup is not the container's own")
	}
	return nil
}
