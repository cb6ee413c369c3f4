// SPDX-License-Identifier: Apache-2.0

package podspec

import (
	moby "github.com/moby/profiles/seccomp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	corev1 "k8s.io/api/core/v1"

	"github.com/runclad/runclad/internal/ctl/enginespec"
)

// sandbox makes the pause container (containerd, internal/cri/server/podsandbox,
// sandboxContainerSpec).
func (m *maker) sandbox() *Container {
	c := m.start(SandboxID)
	c.Title = "pause container"
	c.Workload.Sandbox, c.Workload.Image = true, pauseImage
	s, spec := c.Spec, &m.pod.Spec
	s.Annotations["io.kubernetes.cri.container-type"] = "sandbox"
	s.Annotations["io.kubernetes.cri.podsandbox.image-name"] = pauseImage
	s.Root.Readonly = true
	p := s.Process
	p.Args, p.NoNewPrivileges = []string{"/pause"}, true
	p.User = specs.User{UID: 65535, GID: 65535, AdditionalGids: []uint32{65535}}
	caps, _ := enginespec.Capabilities(nil, nil, false) // the defaults are capabilities
	p.Capabilities = &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps}
	own := func(typ specs.LinuxNamespaceType) {
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: typ})
	}
	own(specs.MountNamespace)
	if !spec.HostPID {
		own(specs.PIDNamespace)
	}
	if !spec.HostIPC {
		own(specs.IPCNamespace)
	}
	if !spec.HostNetwork {
		own(specs.UTSNamespace)
		s.Hostname = m.name
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.NetworkNamespace, Path: m.rootfs})
		s.Linux.Sysctl = map[string]string{"net.ipv4.ip_unprivileged_port_start": "0"}
		if spec.HostUsers == nil || *spec.HostUsers {
			s.Linux.Sysctl["net.ipv4.ping_group_range"] = "0 2147483647"
		}
	}
	m.userNamespace(c)
	for _, one := range m.security().Sysctls {
		if s.Linux.Sysctl == nil {
			s.Linux.Sysctl = map[string]string{}
		}
		s.Linux.Sysctl[one.Name] = one.Value
	}
	ro := []string{"rbind", "ro", "nosuid", "nodev", "noexec"}
	s.Mounts = append(kernelMounts(m.anyPrivileged()),
		specs.Mount{Destination: "/dev/shm", Type: "bind", Source: m.shm(), Options: ro},
		specs.Mount{Destination: "/etc/resolv.conf", Type: "bind", Source: rootDir + "/resolv.conf", Options: ro})
	s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = enginespec.MaskedPaths, enginespec.ReadonlyPaths
	m.seccomp(c, m.security().SeccompProfile)
	return c
}

func (m *maker) shm() string {
	if m.pod.Spec.HostIPC {
		return "/dev/shm"
	}
	return stateDir + "/shm"
}

// kernelMounts are those of each container but /sys/fs/cgroup.
func kernelMounts(privileged bool) []specs.Mount {
	none := []string{"nosuid", "noexec", "nodev"}
	mode := "ro"
	if privileged {
		mode = "rw"
	}
	return []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: none},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: none},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: append(none[:3:3], mode)},
	}
}

// seccomp: without a profile there is none, unless the kubelet runs with
// seccompDefault. containerd's default profile is Docker's.
func (m *maker) seccomp(c *Container, profile *corev1.SeccompProfile) {
	switch {
	case profile == nil:
		c.unknown("whether the kubelet runs with seccompDefault: no seccomp profile is taken")
	case profile.Type == corev1.SeccompProfileTypeLocalhost:
		c.unknown("the seccomp profile that lies on the node: none is taken")
	case profile.Type == corev1.SeccompProfileTypeRuntimeDefault:
		p, err := moby.GetDefaultProfile(c.Spec)
		if err != nil {
			c.unknown("containerd's seccomp profile: %v", err)
			return
		}
		c.Spec.Linux.Seccomp = p
	}
}
