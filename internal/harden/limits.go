// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"fmt"
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
	for _, l := range e.process.Get("rlimits").Elems() {
		for _, key := range [...]string{"hard", "soft"} {
			if most, over := headStart(e, l, key); over {
				e.doc.Set(l, key, spec.Int(most))
			}
		}
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

// headStart reports whether a limit would let the process take for itself what
// realtime takes out: RLIMIT_RTPRIO is the real-time priority that may be set
// without privileges, 20 less RLIMIT_NICE the nice value (getrlimit(2)). It
// returns the most that is left.
func headStart(e *edit, limit *spec.Value, key string) (most int64, over bool) {
	if e.Profile.Priority {
		return 0, false
	}
	switch limit.Get("type").Str() {
	case "RLIMIT_RTPRIO":
	case "RLIMIT_NICE":
		most = 20
	default:
		return 0, false
	}
	n, ok := limit.Get(key).Uint64()
	if !ok {
		return most, limit.Get(key) != nil // negative: what a runtime makes of it is a large number
	}
	return most, n > uint64(most)
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
	for _, l := range e.process.Get("rlimits").Elems() {
		for _, key := range [...]string{"hard", "soft"} {
			if _, over := headStart(e, l, key); over {
				return fmt.Errorf("the %s limit of %s gives a head start", key, l.Get("type").Str())
			}
		}
	}
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
	for _, u := range resources.Get("unified").Members() {
		if !limitsOwn(u.Name) {
			e.refuse("", "linux.resources.unified writes to %s, which is no limit of the container's own; leave it out", quote(u.Name))
		}
	}
	if cg := linux.Get("cgroupsPath").Str(); strayCgroup(cg) {
		e.refuse("", "linux.cgroupsPath %s is not a cgroup of the container's own", quote(cg))
	} else if e.Facts.CgroupInUse {
		e.refuse("", "linux.cgroupsPath %s holds processes already: the container's limits would be theirs, and its end; give the container one of its own", quote(cg))
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

// limitsOwn reports whether a file of a cgroup bounds those in it. The runtimes
// write to any file that unified names, as root: cgroup.procs draws a process of
// the host's choosing into the container's cgroup, where its limits hold and where
// it is killed with the container, and a cpuset partition takes CPUs from
// everybody else (cgroups(7); kernel, admin-guide/cgroup-v2.rst).
func limitsOwn(file string) bool {
	controller, _, ok := strings.Cut(file, ".")
	switch file {
	case "cpuset.cpus.partition", "cpuset.cpus.exclusive":
		return false
	}
	switch controller {
	case "cpu", "cpuset", "hugetlb", "io", "memory", "misc", "pids", "rdma":
		return ok && !strings.Contains(file, "/")
	}
	return false
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
	for _, u := range linux.Get("resources", "unified").Members() {
		if !limitsOwn(u.Name) {
			return errors.New("unified writes to " + u.Name)
		}
	}
	if strayCgroup(linux.Get("cgroupsPath").Str()) {
		return errors.New("the cgroup is not the container's own")
	}
	return nil
}
