// SPDX-License-Identifier: Apache-2.0

package control

// All lists every control, in the order of the promise.
var All = [...]*Control{
	&Namespaces, &Annotations, &Hooks, &HostPaths, &KernelFS, &Volumes, &Propagation, &Rootfs, &Writable, &Devices,
	&Capabilities, &Privileges, &Identity, &Seccomp, &MaskedPaths, &Sysctls, &Labels, &Limits,
	&Metadata, &Restore, &Exec, &Rules, &Images, &Credentials,
}

// Standards returns the clauses that ask for the control with that ID.
func Standards(id string) string {
	for _, c := range All {
		if c.ID == id {
			return c.Standards
		}
	}
	return ""
}
