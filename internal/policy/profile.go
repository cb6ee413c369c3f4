// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"reflect"
	"slices"
	"strings"

	"github.com/runclad/runclad/profiles"
)

// Profile sets each control. Its zero is not the default: see builtin. Every
// field that loosens has a sentence in Warnings; a test holds the two together.
type Profile struct {
	Name string `toml:"-"`
	// HandOff leaves the specification as the engine wrote it. Only the built-in
	// profile privileged has it.
	HandOff bool `toml:"-"`
	// Base is the built-in profile that this one starts from.
	Base string `toml:"base"`

	// Images are the only ones that may run, by name or digest; none stands for
	// all.
	Images []string `toml:"images"`
	// Credentials says what an environment variable that looks like a credential
	// leads to: "warn" (a note in the audit line), "refuse" or "ignore".
	Credentials string `toml:"credentials"`

	// Identity is "random" (a UID of the container's own), "image" (the user that
	// the engine asked for, root too) or "root-in-userns" (root in a user
	// namespace on a random range of the host's IDs).
	Identity string `toml:"identity"`
	// UIDRange is the first and the last UID that containers get.
	UIDRange [2]uint32 `toml:"uid_range"`
	// Capabilities are left to a container that its engine gave them to; ALL
	// stands for each of them.
	Capabilities []string `toml:"capabilities"`
	// NewPrivileges leaves no_new_privs as the engine set it.
	NewPrivileges bool `toml:"new_privileges"`
	// Seccomp is "default" (the generated profile, narrowed by the one that the
	// engine sent where that refuses more), "strict" (the same, and measures that
	// many images do not bear), "engine" (what both the generated profile and the
	// engine's allow, to the letter), "keep" (the engine's own, the generated one
	// where it sent none) or "unconfined" (the engine's own, also if it sent
	// none). Only the last two are looser than "default".
	Seccomp string `toml:"seccomp"`
	// Unconfined allows the AppArmor and SELinux labels that confine nothing.
	Unconfined bool `toml:"unconfined"`

	// WritableRootfs leaves the root filesystem as the engine asked for it.
	WritableRootfs bool `toml:"writable_rootfs"`
	// Writable are directories of the image that are made writable beside those
	// that are found, like them ephemeral and not executable.
	Writable []string `toml:"writable"`
	// Exec are directories in which what is written can be executed; each covers
	// what is below it.
	Exec []string `toml:"exec"`
	// TmpfsSize caps, in bytes, the overlays of a container together, each empty
	// place, and each tmpfs of a spec that has no size.
	TmpfsSize int64 `toml:"tmpfs_size"`

	// Volumes is "map" (the container's user sees itself as the owner) or "keep".
	Volumes string `toml:"volumes"`
	// HostBinds is "as-asked" or "read-only": binds of host paths that are no
	// volumes of the engine.
	HostBinds string `toml:"host_binds"`
	// HostPaths are host paths that containers may bind although they are on
	// the list of sensitive ones; each covers what is below it.
	HostPaths []string `toml:"host_paths"`
	// MountTypes are filesystem types that a spec may mount beside the usual.
	MountTypes []string `toml:"mount_types"`
	// SharedMounts leaves shared propagation, by which mounts of the container
	// reach the host.
	SharedMounts bool `toml:"shared_mounts"`
	// WritableKernelFS leaves /sys and cgroup mounts as writable as the engine
	// asked for.
	WritableKernelFS bool `toml:"writable_kernel_filesystems"`
	// Unmasked leaves the lists of masked and read-only paths as the engine sent
	// them.
	Unmasked bool `toml:"unmasked"`

	// HostNetwork, HostPID, HostIPC, HostUTS allow a container to share that
	// namespace with the host. With the host's network no metadata endpoint is
	// blocked.
	HostNetwork bool `toml:"host_network"`
	HostPID     bool `toml:"host_pid"`
	HostIPC     bool `toml:"host_ipc"`
	HostUTS     bool `toml:"host_uts"`
	// Devices are paths of host devices that containers may be given; * stands
	// for all.
	Devices []string `toml:"devices"`
	// Sysctls are allowed beside those that Kubernetes calls safe; * stands for
	// all.
	Sysctls []string `toml:"sysctls"`
	// Annotations are orders to the runtime that a spec may give.
	Annotations []string `toml:"annotations"`
	// Hooks are the host programs that OCI hooks may run.
	Hooks []string `toml:"hooks"`

	// Metadata is "block" or "allow".
	Metadata string `toml:"metadata"`
	// TaskCredentials is "allow" (default) or "block": the endpoints from which
	// AWS ECS tasks and EKS pods fetch credentials of their own.
	TaskCredentials string `toml:"task_credentials"`

	// PidsLimit is set where the engine set none.
	PidsLimit int64 `toml:"pids_limit"`
	// Priority leaves a negative OOM score, real-time scheduling and core files
	// to a container whose engine asked for them.
	Priority bool `toml:"priority"`

	// Restore allows runc restore, whose processes bring their credentials and
	// filters from the checkpoint, where no spec reaches them.
	Restore bool `toml:"restore"`
	// ExecUnrecorded allows exec into containers that were not created through
	// runclad; the process runs as 65534:65534.
	ExecUnrecorded bool `toml:"exec_unrecorded"`
}

// The values of Identity.
const (
	IdentityRandom = "random"
	IdentityImage  = "image"
	IdentityUserns = "root-in-userns"
)

// The values of Seccomp that are no levels of the generated profile.
const (
	SeccompKeep       = "keep"
	SeccompUnconfined = "unconfined"
)

// AllowsCapability reports whether a container may keep a capability.
func (p *Profile) AllowsCapability(name string) bool {
	return slices.Contains(p.Capabilities, name) || slices.Contains(p.Capabilities, allCapabilities)
}

const allCapabilities = "ALL"

// AllowsSysctl reports whether a container may set a sysctl that is not among
// the safe ones.
func (p *Profile) AllowsSysctl(name string) bool {
	return slices.Contains(p.Sysctls, name) || slices.Contains(p.Sysctls, anyName)
}

// AllDevices reports whether containers may be given every device.
func (p *Profile) AllDevices() bool { return slices.Contains(p.Devices, anyName) }

// Runs reports whether what a container writes at a path, or below it, can be
// executed.
func (p *Profile) Runs(name string) bool {
	return slices.ContainsFunc(p.Exec, func(dir string) bool {
		return name == dir || dir == "/" || strings.HasPrefix(name, dir+"/")
	})
}

// clone returns a copy that shares nothing with p.
func (p *Profile) clone() *Profile {
	c := *p
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Slice && !f.IsNil() {
			f.Set(reflect.AppendSlice(reflect.MakeSlice(f.Type(), 0, f.Len()), f))
		}
	}
	return &c
}

// seccompValues are those that Seccomp can have.
func seccompValues() []string {
	return []string{profiles.LevelDefault, profiles.LevelStrict, profiles.LevelEngine, SeccompKeep, SeccompUnconfined}
}
