// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"fmt"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/spec"
)

// The namespaces that a container may not share with the host. The cgroup
// namespace is left as the engine chose it: it hides names, not rights, and on
// cgroup v1 engines share it. The time namespace is nobody's by default.
func sharedNamespaces(e *edit) []struct {
	typ     string
	allowed bool
	allow   string
	harm    string
} {
	return []struct {
		typ     string
		allowed bool
		allow   string
		harm    string
	}{
		{"network", e.Profile.HostNetwork, "host_network = true", "it reaches the metadata endpoints and every port on loopback"},
		{"pid", e.Profile.HostPID, "host_pid = true", "it sees every process of the host"},
		{"ipc", e.Profile.HostIPC, "host_ipc = true", "it reaches the host's shared memory and message queues"},
	}
}

// applyNamespaces refuses the host's network, PID and IPC namespaces. A shared
// UTS namespace is put right: in one of its own the container still sees the
// host's name (uts_namespaces(7)) and cannot change it for others.
func applyNamespaces(e *edit) {
	for _, ns := range sharedNamespaces(e) {
		if e.Facts.Namespaces[ns.typ].Owner == host.Host && !ns.allowed {
			e.refuse(ns.allow, "the container shares the host's %s namespace: %s", ns.typ, ns.harm)
		}
	}
	if e.Facts.Namespaces["mount"].Owner != host.Own {
		e.refuse("", "the container has no mount namespace of its own: nothing of the rootfs could be protected")
	}
	if user := e.Facts.Namespaces["user"]; user.Owner == host.Joined && e.doc.Get("linux", "uidMappings") == nil {
		e.refuse("", "the container joins the user namespace %s without saying how it maps IDs", user.Path)
	}
	if nets := e.doc.Get("linux", "netDevices"); len(nets.Members()) > 0 && !e.Profile.HostNetwork {
		e.refuse("host_network = true", "linux.netDevices moves network interfaces of the host into the container")
	}
	if e.Facts.Namespaces["uts"].Owner == host.Host && !e.Profile.HostUTS {
		list := e.doc.Ensure(e.doc.Ensure(e.doc.Root(), "linux", spec.Object), "namespaces", spec.Array)
		for _, ns := range list.Elems() {
			if ns.Get("type").Str() == "uts" {
				e.doc.Delete(ns, "path")
				return
			}
		}
		e.doc.Add(list, spec.Map(spec.M("type", spec.Text("uts"))))
	}
}

func verifyNamespaces(e *edit) error {
	has := map[string]bool{}
	for _, ns := range e.doc.Get("linux", "namespaces").Elems() {
		typ := ns.Get("type").Str()
		has[typ] = true
		if ns.Get("path").Str() != "" && (typ == "mount" || typ == "uts" && e.Facts.Namespaces[typ].Owner == host.Host && !e.Profile.HostUTS) {
			return fmt.Errorf("the %s namespace is %s", typ, ns.Get("path").Str())
		}
	}
	for _, ns := range sharedNamespaces(e) {
		if !ns.allowed && (!has[ns.typ] || e.Facts.Namespaces[ns.typ].Owner == host.Host) {
			return fmt.Errorf("the %s namespace is the host's", ns.typ)
		}
	}
	if !has["mount"] || !has["uts"] && !e.Profile.HostUTS {
		return errors.New("no mount or UTS namespace")
	}
	return nil
}
