// SPDX-License-Identifier: Apache-2.0

package policy

// Policy is what holds on this node.
type Policy struct {
	// Source is the file it was read from, "" for the built-in defaults.
	Source string `toml:"-"`
	// Audit says what happens to a container when the audit line can be written
	// neither to the log nor to its fallback: "required" (it is refused) or
	// "best-effort".
	Audit string `toml:"audit"`
	// Profiles by name; "default" is the one every container gets.
	Profiles map[string]*Profile `toml:"profile"`
}

// Profile sets each control. Its zero is not the default: see Default. Every
// field that loosens has a sentence in Warnings; a test holds the two together.
type Profile struct {
	Name string `toml:"-"`

	// HostPaths are host paths that containers may bind although they are on
	// the list of sensitive ones; each covers what is below it.
	HostPaths []string `toml:"host_paths"`
	// MountTypes are filesystem types that a spec may mount beside the usual.
	MountTypes []string `toml:"mount_types"`
	// HostNetwork, HostPID, HostIPC allow a container to share that namespace
	// with the host. With the host's network no metadata endpoint is blocked.
	HostNetwork bool `toml:"host_network"`
	HostPID     bool `toml:"host_pid"`
	HostIPC     bool `toml:"host_ipc"`
	// Devices are paths of host devices that containers may be given.
	Devices []string `toml:"devices"`
	// Capabilities are left to a container that its engine gave them to.
	Capabilities []string `toml:"capabilities"`
	// Sysctls are allowed beside those that Kubernetes calls safe.
	Sysctls []string `toml:"sysctls"`
	// Annotations are orders to the runtime that a spec may give.
	Annotations []string `toml:"annotations"`
	// Hooks are the host programs that OCI hooks may run.
	Hooks []string `toml:"hooks"`
	// Unconfined allows the AppArmor and SELinux labels that confine nothing.
	Unconfined bool `toml:"unconfined"`
	// Restore allows runc restore, whose processes bring their credentials and
	// filters from the checkpoint, where no spec reaches them.
	Restore bool `toml:"restore"`
	// ExecUnrecorded allows exec into containers that were not created through
	// runclad; the process runs as 65534:65534.
	ExecUnrecorded bool `toml:"exec_unrecorded"`

	// Metadata is "block" or "allow".
	Metadata string `toml:"metadata"`
	// TaskCredentials is "allow" (default) or "block": the endpoints from which
	// AWS ECS tasks and EKS pods fetch credentials of their own.
	TaskCredentials string `toml:"task_credentials"`
	// Seccomp is "default" (the generated profile, narrowed by the one that the
	// engine sent where that refuses more), "strict" (the same, and measures that
	// many images do not bear) or "engine" (what both the generated profile and
	// the engine's allow, to the letter). None is looser than "default".
	Seccomp string `toml:"seccomp"`

	// Identity is "random" (a UID above 10000 that nobody else has) or
	// "root-in-userns" (UID 0 in a user namespace on a random range of host IDs).
	Identity string `toml:"identity"`

	// UIDRange is the first and the last UID that containers get.
	UIDRange [2]uint32 `toml:"uid_range"`
	// TmpfsSize caps, in bytes, the overlays of a container together, each empty
	// place, and each tmpfs of a spec that has no size.
	TmpfsSize int64 `toml:"tmpfs_size"`
	// PidsLimit is set where the engine set none.
	PidsLimit int64 `toml:"pids_limit"`
}

// Default returns the built-in policy. The UID range lies above the ranges of
// systemd's static users and containers, sssd's default (200000–2000200000) and
// the usual subordinate IDs, and below 2^31, where some programs break.
func Default() *Policy {
	return &Policy{
		Audit: "required",
		Profiles: map[string]*Profile{"default": {
			Name:            "default",
			Metadata:        "block",
			TaskCredentials: "allow",
			Seccomp:         "default",
			Identity:        "random",
			UIDRange:        [2]uint32{2001000000, 2147000000},
			TmpfsSize:       256 << 20,
			PidsLimit:       4096,
		}},
	}
}

// Profile returns the profile that every container gets.
func (p *Policy) Profile() *Profile { return p.Profiles["default"] }
