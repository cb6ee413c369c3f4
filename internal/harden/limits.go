// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"fmt"

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
	if e.process.Get("ioPriority", "class").Str() == "IOPRIO_CLASS_RT" {
		e.doc.Delete(e.process, "ioPriority")
	}
}

// needsCoreLimit is false for an exec without limits under runc: it takes the
// container's (newProcess in container_linux.go), and a list with one entry
// would replace them. Under crun it would take the engine's own.
func needsCoreLimit(e *edit) bool {
	limits := e.process.Get("rlimits")
	if e.scope == process && e.Runtime == "runc" && len(limits.Elems()) == 0 {
		return false
	}
	for _, l := range limits.Elems() {
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
	return ok && n < 0 && e.Workload.Engine != workload.CRI && e.Workload.Engine != workload.CRIO
}

func realtime(e *edit) bool {
	switch e.process.Get("scheduler", "policy").Str() {
	case "SCHED_FIFO", "SCHED_RR", "SCHED_DEADLINE":
		return true
	}
	return false
}

func verifyProcessLimits(e *edit) error {
	if needsCoreLimit(e) || privilegedOOM(e) || realtime(e) {
		return errors.New("a limit is missing")
	}
	return nil
}

// applyPidsLimit bounds the number of processes where the engine does not; 0
// and -1 mean no limit (config-linux.md, "PIDs").
func applyPidsLimit(e *edit) {
	linux := e.doc.Ensure(e.doc.Root(), "linux", spec.Object)
	pids := e.doc.Ensure(e.doc.Ensure(linux, "resources", spec.Object), "pids", spec.Object)
	if n, ok := pids.Get("limit").Int64(); !ok || n <= 0 {
		e.doc.Set(pids, "limit", spec.Int(e.Profile.PidsLimit))
	}
}

func verifyPidsLimit(e *edit) error {
	if n, ok := e.doc.Get("linux", "resources", "pids", "limit").Int64(); !ok || n <= 0 {
		return fmt.Errorf("the number of processes is not limited")
	}
	return nil
}
