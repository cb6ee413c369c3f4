// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Warnings names each loosening of the profile in a sentence, which begins with
// the key that loosens.
func (p *Profile) Warnings() []string {
	if p.HandOff {
		return []string{"privileged: containers start exactly as their engine asks, and nothing of them is hardened"}
	}
	var w []string
	add := func(loose bool, format string, args ...any) {
		if loose {
			w = append(w, fmt.Sprintf(format, args...))
		}
	}
	list := func(names []string) string { return strings.Join(names, ", ") }
	add(p.Credentials == "ignore", "credentials: what looks like a credential in the environment is not reported")
	add(p.Identity == IdentityImage, "identity: containers run as the user that their image or engine names, root included")
	add(p.Identity == IdentityUserns, "identity: containers run as root in a user namespace of their own")
	add(len(p.Capabilities) > 0, "capabilities: containers keep %s where their engine grants it", list(p.Capabilities))
	add(p.NewPrivileges, "new_privileges: set-user-ID programs and file capabilities work")
	add(p.Seccomp == SeccompKeep, "seccomp: the engine's filter stands as it is")
	add(p.Seccomp == SeccompUnconfined, "seccomp: the engine's filter stands as it is, and where it sends none there is none")
	add(p.Unconfined, "unconfined: containers may go without AppArmor and SELinux confinement")
	add(p.WritableRootfs, "writable_rootfs: the root filesystem is writable")
	add(len(p.Writable) > 0, "writable: containers may write to %s, in memory", list(p.Writable))
	add(len(p.Exec) > 0, "exec: what containers write below %s can be executed", list(p.Exec))
	add(p.Volumes == "keep", "volumes: files in volumes keep their owner")
	add(len(p.HostPaths) > 0, "host_paths: containers may bind %s from the host", list(p.HostPaths))
	add(len(p.MountTypes) > 0, "mount_types: specs may mount filesystems of type %s", list(p.MountTypes))
	add(p.SharedMounts, "shared_mounts: what containers mount may appear on the host")
	add(p.WritableKernelFS, "writable_kernel_filesystems: containers may write to /sys and to cgroup mounts")
	add(p.Unmasked, "unmasked: files of /proc and /sys that hold secrets of the host or change it are not hidden")
	add(p.HostNetwork, "host_network: containers on the host's network reach the metadata endpoints and every local port")
	add(p.HostPID, "host_pid: containers may see and signal what runs on the host under their UID")
	add(p.HostIPC, "host_ipc: containers may share System V IPC and POSIX queues with the host")
	add(p.HostUTS, "host_uts: containers may share the host's name, and change it if they are privileged")
	add(slices.Contains(p.Devices, anyName), "devices: containers may be given every device of the host")
	add(len(p.Devices) > 0 && !slices.Contains(p.Devices, anyName), "devices: containers may be given %s", list(p.Devices))
	add(len(p.Sysctls) > 0, "sysctls: containers may set %s", list(p.Sysctls))
	add(len(p.Annotations) > 0, "annotations: whoever starts a container may give the runtime the orders %s", list(p.Annotations))
	add(len(p.Hooks) > 0, "hooks: specs may run %s as root on the host", list(p.Hooks))
	add(p.Metadata == "allow", "metadata: containers reach the cloud's instance metadata and the credentials in it")
	add(p.Priority, "priority: containers may be spared by the OOM killer, run in real time and leave core files")
	add(p.Restore, "restore: restored processes keep the credentials and filters of their checkpoint")
	add(p.ExecUnrecorded, "exec_unrecorded: exec enters containers whose own hardening is unknown")
	return w
}

// Loosens reports whether the profile loosens anything.
func (p *Profile) Loosens() bool { return len(p.Warnings()) > 0 }
