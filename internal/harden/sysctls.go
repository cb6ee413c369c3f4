// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/identity"
	"github.com/runclad/runclad/internal/spec"
)

// safeSysctl knows those that Kubernetes calls safe: namespaced, and without
// effect on other containers (Pod Security Standards, "Sysctls").
func safeSysctl(name string) bool {
	switch name {
	case "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
		"net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
		"net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
		"net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem":
		return true
	}
	return false
}

// comforts are given to a container with a network of its own where its spec
// says nothing: they stand in for capabilities that it no longer has, to bind
// ports below 1024 and to send ICMP echo requests (ip(7)). Groups that a user
// namespace does not map cannot be named.
func comforts(p *Plan) []spec.Member {
	if !ownNetwork(p.Facts) || p.Facts.Namespaces["user"].Owner != host.Host {
		return nil
	}
	groups := "0 2147483647"
	if p.Userns.Own() && p.Facts.Namespaces["network"].Owner == host.Own {
		groups = "0 " + strconv.Itoa(identity.BlockSize-1)
	}
	return []spec.Member{
		spec.M("net.ipv4.ip_unprivileged_port_start", spec.Text("0")),
		spec.M(pingGroups, spec.Text(groups)),
	}
}

// runtimeComforts are those that the runtime can set: not for a network that a
// user namespace of the container's own does not own; see JoinedSysctls.
func runtimeComforts(e *edit) []spec.Member {
	if e.Userns.Own() && e.Facts.Namespaces["network"].Owner != host.Own {
		return nil
	}
	return comforts(e.Plan)
}

// SysctlAllowed reports whether a spec may set a sysctl.
func SysctlAllowed(p *Plan, name string) bool {
	return safeSysctl(name) || p.Profile.AllowsSysctl(name)
}

// ownNetwork reports whether the network namespace was made for this container:
// by the runtime, or beforehand by the engine, as Podman and CRI do for
// containers and for pods' sandboxes, in a file of its own (ip-netns(8)). The
// namespace of another container is joined as that one's process has it; what it
// says of ports is that one's.
func ownNetwork(f *host.Facts) bool {
	n := f.Namespaces["network"]
	return n.Owner == host.Own || n.Owner == host.Joined && !strings.HasPrefix(path.Clean(n.Path), "/proc/")
}

func applySysctls(e *edit) {
	for _, c := range runtimeComforts(e) {
		if set := e.doc.Get("linux", "sysctl"); set.Get(c.Name) == nil {
			e.doc.Set(e.doc.Ensure(e.doc.Ensure(e.doc.Root(), "linux", spec.Object), "sysctl", spec.Object), c.Name, c.Value)
		}
	}
	for _, s := range e.doc.Get("linux", "sysctl").Members() {
		if !SysctlAllowed(e.Plan, s.Name) {
			e.refuse("sysctls = ["+quote(s.Name)+"]", "the sysctl %s is not among the safe ones", s.Name)
		}
	}
}

func verifySysctls(e *edit) error {
	for _, c := range runtimeComforts(e) {
		if e.doc.Get("linux", "sysctl", c.Name) == nil {
			return fmt.Errorf("the sysctl %s is not set", c.Name)
		}
	}
	for _, s := range e.doc.Get("linux", "sysctl").Members() {
		if !SysctlAllowed(e.Plan, s.Name) {
			return fmt.Errorf("the sysctl %s", s.Name)
		}
	}
	return nil
}
