// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strings"
)

// Warnings names each loosening of the profile in a sentence.
func (p *Profile) Warnings() []string {
	var w []string
	add := func(loose bool, format string, args ...any) {
		if loose {
			w = append(w, fmt.Sprintf(format, args...))
		}
	}
	add(len(p.HostPaths) > 0, "host_paths: containers may bind %s from the host", strings.Join(p.HostPaths, ", "))
	add(len(p.MountTypes) > 0, "mount_types: specs may mount filesystems of type %s", strings.Join(p.MountTypes, ", "))
	add(p.HostNetwork, "host_network: containers on the host's network reach the metadata endpoints and every local port")
	add(p.HostPID, "host_pid: containers may see and signal what runs on the host under their UID")
	add(p.HostIPC, "host_ipc: containers may share System V IPC and POSIX queues with the host")
	add(len(p.Devices) > 0, "devices: containers may be given %s", strings.Join(p.Devices, ", "))
	add(len(p.Capabilities) > 0, "capabilities: containers keep %s where their engine grants it", strings.Join(p.Capabilities, ", "))
	add(len(p.Sysctls) > 0, "sysctls: containers may set %s", strings.Join(p.Sysctls, ", "))
	add(len(p.Annotations) > 0, "annotations: whoever starts a container may give the runtime the orders %s", strings.Join(p.Annotations, ", "))
	add(len(p.Hooks) > 0, "hooks: specs may run %s as root on the host", strings.Join(p.Hooks, ", "))
	add(p.Unconfined, "unconfined: containers may go without AppArmor and SELinux confinement")
	add(p.Restore, "restore: restored processes keep the credentials and filters of their checkpoint")
	add(p.ExecUnrecorded, "exec_unrecorded: exec enters containers whose own hardening is unknown")
	add(p.Metadata == "allow", "metadata: containers reach the cloud's instance metadata and the credentials in it")
	add(p.Identity == "root-in-userns", "identity: containers are root, in a user namespace of their own, of all that their image has")
	return w
}
