// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"slices"
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

func applySysctls(e *edit) {
	for _, s := range e.doc.Get("linux", "sysctl").Members() {
		if !safeSysctl(s.Name) && !slices.Contains(e.Profile.Sysctls, s.Name) {
			e.refuse("sysctls = ["+quote(s.Name)+"]", "the sysctl %s is not among the safe ones", s.Name)
		}
	}
}

func verifySysctls(e *edit) error {
	for _, s := range e.doc.Get("linux", "sysctl").Members() {
		if !safeSysctl(s.Name) && !slices.Contains(e.Profile.Sysctls, s.Name) {
			return fmt.Errorf("the sysctl %s", s.Name)
		}
	}
	return nil
}
