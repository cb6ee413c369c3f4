// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"path"
	"slices"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/workload"
)

// HostPath says what a bind of the host's src at dest undoes, "" if nothing, by
// the rules of the host-paths step and without any exemption: for one who looks
// at a container that runs.
func HostPath(engine, src, dest string, readOnly bool) string {
	e := &edit{Plan: &Plan{Profile: &policy.Profile{}, Facts: &host.Facts{}, Workload: workload.Workload{Engine: engine}}}
	if engineOwn(e, src, dest) {
		return ""
	}
	return sensitivePath(e, src, readOnly)
}

// EngineSocket reports whether a path has the name of an engine's socket.
func EngineSocket(p string) bool { return slices.Contains(sockets[:], path.Base(p)) }

// SafeSysctl reports whether Kubernetes calls a sysctl safe, or runclad itself
// sets it.
func SafeSysctl(name string) bool { return safeSysctl(name) }
