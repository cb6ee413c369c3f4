// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/ctl/node"
)

// The standards.
const (
	CIS  = "CIS"
	PSS  = "PSS"
	NSA  = "NSA"
	NIST = "NIST"
)

// Standard is one of them.
type Standard struct {
	ID    string `json:"standard"`
	Title string `json:"title"`
	// Beyond says which of its clauses are not judged here, and why.
	Beyond string `json:"beyond"`
}

// Standards in the order of the report.
var Standards = []Standard{
	{
		CIS, "CIS Docker Benchmark 1.6, section 5 (container runtime)",
		"5.1 (swarm mode), 5.7 (sshd), 5.8, 5.9 and 5.14 (ports), 5.15 (restart policy), 5.27 (health checks), 5.28 (latest image) and 5.30 (docker0) are matters of the engine or the image, which the kernel does not show.",
	},
	{
		PSS, "Kubernetes Pod Security Standards, restricted",
		"Host ports and volume types are decided by the API server and not visible from here. A read-only root filesystem is not asked for; it is judged under the others.",
	},
	{
		NSA, "NSA/CISA Kubernetes Hardening Guide (with Trivy's numbers)",
		"Only what concerns a running container is judged.",
	},
	{
		NIST, "NIST SP 800-190, sections 4.1 and 4.4 (image and container risks)",
		"4.1.1 to 4.1.3 (vulnerabilities, defects and malware in images) are matters of the image. 4.1.5 is judged by the policy's own list: one that a registry or an admission controller keeps is not seen from here. 4.4.1 (vulnerabilities of the runtime itself) is a matter of its version: see runcladctl doctor.",
	},
}

// Clause is one demand of a standard.
type Clause struct {
	Standard string
	ID       string // as the standard has it; for PSS the level and the control's name
	Title    string
	facts    []fact
}

// Name is how audit lines and refusals name the clause.
func (c *Clause) Name() string {
	if c.Standard == PSS {
		level, _, _ := strings.Cut(c.ID, ": ")
		return PSS + " " + level
	}
	return c.Standard + " " + c.ID
}

// Controls are those of runclad's that serve the clause: by their own list of
// standards, for PSS those of the level.
func (c *Clause) Controls() []string {
	var out []string
	for _, k := range control.All {
		for _, part := range strings.Split(k.Standards, ", ") {
			standard, ids, _ := strings.Cut(part, " ")
			for id := range strings.FieldsSeq(ids) {
				if standard+" "+id == c.Name() {
					out = append(out, k.ID)
				}
			}
		}
	}
	return out
}

// Clauses are all that are judged, in the order of the standards.
var Clauses = []Clause{
	{CIS, "5.2", "An AppArmor profile is enabled", []fact{appArmor}},
	{CIS, "5.3", "SELinux security options are set", []fact{seLinux}},
	{CIS, "5.4", "Linux kernel capabilities are restricted", []fact{noCapabilities}},
	{CIS, "5.5", "No privileged container", []fact{notPrivileged}},
	{CIS, "5.6", "No sensitive host directory is mounted", []fact{noSensitivePaths}},
	{CIS, "5.10", "The host's network namespace is not shared", []fact{ownNamespace("net")}},
	{CIS, "5.11", "Memory is limited", []fact{limited("memory", func(l *node.Live) node.Limit { return l.Memory })}},
	{CIS, "5.12", "CPU is limited", []fact{limited("CPU", func(l *node.Live) node.Limit { return l.CPU })}},
	{CIS, "5.13", "The root filesystem is read-only", []fact{rootfsReadOnly}},
	{CIS, "5.16", "The host's process namespace is not shared", []fact{ownNamespace("pid")}},
	{CIS, "5.17", "The host's IPC namespace is not shared", []fact{ownNamespace("ipc")}},
	{CIS, "5.18", "No host device is exposed", []fact{noDevices}},
	{CIS, "5.19", "Default ulimits are set", []fact{noCoreFiles}},
	{CIS, "5.20", "Mounts do not propagate to the host", []fact{notShared}},
	{CIS, "5.21", "The host's UTS namespace is not shared", []fact{ownNamespace("uts")}},
	{CIS, "5.22", "A seccomp profile is not disabled", []fact{seccompFilter}},
	{CIS, "5.23", "No exec with privileges", []fact{execs(noCapabilities)}},
	{CIS, "5.24", "No exec as root", []fact{execs(nonRoot)}},
	{CIS, "5.25", "Cgroup usage is confined", []fact{ownCgroup}},
	{CIS, "5.26", "No additional privileges can be gained", []fact{noNewPrivs}},
	{CIS, "5.29", "Processes are limited", []fact{limited("processes", func(l *node.Live) node.Limit { return l.Pids })}},
	{CIS, "5.31", "The host's user namespace is not shared", []fact{userNamespace}},
	{CIS, "5.32", "No engine's socket is mounted", []fact{noEngineSocket}},

	{PSS, "baseline: host namespaces", "Network, PID and IPC are not the host's", []fact{ownNamespace("net"), ownNamespace("pid"), ownNamespace("ipc")}},
	{PSS, "baseline: privileged", "No privileged container", []fact{notPrivileged}},
	{PSS, "baseline: hostPath", "No sensitive host path is mounted", []fact{noSensitivePaths, noEngineSocket}},
	{PSS, "baseline: AppArmor", "The AppArmor profile is not unconfined", []fact{appArmor}},
	{PSS, "baseline: SELinux", "The SELinux type confines", []fact{seLinux}},
	{PSS, "baseline: /proc", "The default masks of /proc are in place", []fact{masked}},
	{PSS, "baseline: sysctls", "Only safe sysctls are set", []fact{safeSysctls}},
	{PSS, "restricted: privilege escalation", "no_new_privs is set", []fact{noNewPrivs}},
	{PSS, "restricted: non-root", "No process runs as root", []fact{nonRoot}},
	{PSS, "restricted: seccomp", "A seccomp filter is loaded", []fact{seccompFilter}},
	{PSS, "restricted: capabilities", "All capabilities are dropped", []fact{noCapabilities}},

	{NSA, "1.0", "Non-root user", []fact{nonRoot}},
	{NSA, "1.1", "Immutable root filesystem", []fact{rootfsReadOnly}},
	{NSA, "1.2", "No privileged container", []fact{notPrivileged, noDevices}},
	{NSA, "1.3", "No access to the host's process IDs", []fact{ownNamespace("pid")}},
	{NSA, "1.4", "No access to the host's IPC", []fact{ownNamespace("ipc")}},
	{NSA, "1.5", "No access to the host's network", []fact{ownNamespace("net")}},
	{NSA, "1.6", "Not in the root group", []fact{noRootGroup}},
	{NSA, "1.7", "No privilege escalation", []fact{noNewPrivs}},
	{NSA, "1.10", "A seccomp policy", []fact{seccompFilter}},

	{NIST, "4.1.4", "No secret in clear text: the environment holds no credential", []fact{noCredentials}},
	{NIST, "4.1.5", "Only trusted images: the policy lists them, and this is one", []fact{listedImage}},
	{NIST, "4.4.2", "Network access is bounded: the cloud's metadata is out of reach", []fact{metadataBlocked}},
	{NIST, "4.4.3", "Secure runtime configuration", []fact{notPrivileged, noSensitivePaths, noEngineSocket, masked, noNewPrivs, nonRoot, seccompFilter}},
	{NIST, "4.4.4", "Vulnerable applications are contained: a read-only filesystem", []fact{rootfsReadOnly}},
	{NIST, "4.4.5", "No rogue container", []fact{audited}},
}
