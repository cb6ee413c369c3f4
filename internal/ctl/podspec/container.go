// SPDX-License-Identifier: Apache-2.0

package podspec

import (
	"fmt"
	"path"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	corev1 "k8s.io/api/core/v1"

	"github.com/runclad/runclad/internal/ctl/enginespec"
)

// container makes one of the pod's own (kubelet, pkg/kubelet/kuberuntime;
// containerd, internal/cri/server, buildLinuxSpec).
func (m *maker) container(from *corev1.Container, id string) (*Container, error) {
	c := m.start(id)
	c.Workload.Name, c.Workload.Image = from.Name, from.Image
	c.Spec.Annotations["io.kubernetes.cri.container-type"] = "container"
	c.Spec.Annotations["io.kubernetes.cri.container-name"] = from.Name
	c.Spec.Annotations["io.kubernetes.cri.image-name"] = from.Image
	c.unknown("the image: its command, environment, volumes and files, and so which of its directories are made writable")
	security := from.SecurityContext
	if security == nil {
		security = &corev1.SecurityContext{}
	}
	m.process(c, from)
	m.user(c, security)
	m.namespaces(c)
	if err := m.privileges(c, security); err != nil {
		return nil, err
	}
	if err := m.mounts(c, from, security); err != nil {
		return nil, err
	}
	m.resources(c, from)
	profile := security.SeccompProfile
	if profile == nil {
		profile = m.security().SeccompProfile
	}
	if !is(security.Privileged) {
		m.seccomp(c, profile)
	}
	return c, nil
}

func (m *maker) process(c *Container, from *corev1.Container) {
	p := c.Spec.Process
	p.Args, p.Terminal = append(slices.Clone(from.Command), from.Args...), from.TTY
	if len(p.Args) == 0 {
		p.Args = []string{"sh"}
	}
	if from.WorkingDir != "" {
		p.Cwd = from.WorkingDir
	}
	p.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=" + m.name}
	if from.TTY {
		p.Env = append(p.Env, "TERM=xterm")
	}
	if len(from.EnvFrom) > 0 {
		c.unknown("the environment that comes from config maps and secrets")
	}
	for _, e := range from.Env {
		value := e.Value
		if e.ValueFrom != nil {
			value = "(from elsewhere)"
		}
		p.Env = append(p.Env, e.Name+"="+value)
	}
}

// user: the container's own security context comes before the pod's.
func (m *maker) user(c *Container, security *corev1.SecurityContext) {
	pod := m.security()
	pick := func(own, pods *int64) (uint32, bool) {
		switch {
		case own != nil:
			return uint32(*own), true
		case pods != nil:
			return uint32(*pods), true
		}
		return 0, false
	}
	uid, known := pick(security.RunAsUser, pod.RunAsUser)
	if !known {
		c.unknown("the image's user: root is taken")
	}
	gid, _ := pick(security.RunAsGroup, pod.RunAsGroup)
	groups := []uint32{gid}
	for _, g := range pod.SupplementalGroups {
		groups = append(groups, uint32(g))
	}
	if pod.FSGroup != nil {
		groups = append(groups, uint32(*pod.FSGroup))
	}
	slices.Sort(groups)
	c.Spec.Process.User = specs.User{UID: uid, GID: gid, AdditionalGids: slices.Compact(groups)}
}

// namespaces: the container joins those of the pause container.
func (m *maker) namespaces(c *Container) {
	spec := &m.pod.Spec
	add := func(typ specs.LinuxNamespaceType, of string) {
		c.Spec.Linux.Namespaces = append(c.Spec.Linux.Namespaces, specs.LinuxNamespace{Type: typ, Path: of})
	}
	pods := func(host bool, name string) string {
		if host {
			return "/proc/self/ns/" + name
		}
		return m.rootfs
	}
	switch {
	case spec.HostPID:
		add(specs.PIDNamespace, "/proc/self/ns/pid")
	case is(spec.ShareProcessNamespace):
		add(specs.PIDNamespace, m.rootfs)
	default:
		add(specs.PIDNamespace, "")
	}
	add(specs.IPCNamespace, pods(spec.HostIPC, "ipc"))
	add(specs.UTSNamespace, pods(spec.HostNetwork, "uts"))
	add(specs.MountNamespace, "")
	add(specs.NetworkNamespace, pods(spec.HostNetwork, "net"))
	m.userNamespace(c)
}

func (m *maker) privileges(c *Container, security *corev1.SecurityContext) error {
	s, privileged := c.Spec, is(security.Privileged)
	var add, drop []string
	if caps := security.Capabilities; caps != nil {
		for _, name := range caps.Add {
			add = append(add, string(name))
		}
		for _, name := range caps.Drop {
			drop = append(drop, string(name))
		}
	}
	have, err := enginespec.Capabilities(add, drop, privileged)
	if err != nil {
		return fmt.Errorf("securityContext.capabilities: %w", err)
	}
	s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: have, Effective: have, Permitted: have}
	s.Process.NoNewPrivileges = security.AllowPrivilegeEscalation != nil && !*security.AllowPrivilegeEscalation
	s.Root.Readonly = is(security.ReadOnlyRootFilesystem)
	if privileged {
		s.Linux.Devices = enginespec.HostDevices()
		s.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}
	}
	if unmasked := security.ProcMount != nil && *security.ProcMount == corev1.UnmaskedProcMount; !privileged && !unmasked {
		s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = enginespec.MaskedPaths, enginespec.ReadonlyPaths
	}
	return nil
}

func (m *maker) mounts(c *Container, from *corev1.Container, security *corev1.SecurityContext) error {
	privileged := is(security.Privileged)
	mode := "ro"
	if privileged {
		mode = "rw"
	}
	c.Spec.Mounts = append(kernelMounts(privileged),
		specs.Mount{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"nosuid", "noexec", "nodev", "relatime", mode}})
	asked := func(dest string) bool {
		return slices.ContainsFunc(from.VolumeMounts, func(v corev1.VolumeMount) bool { return path.Clean(v.MountPath) == dest })
	}
	for i := range from.VolumeMounts {
		one, err := m.volume(c, from, i)
		if err != nil {
			return err
		}
		c.Spec.Mounts = append(c.Spec.Mounts, one)
		if slices.Contains(one.Options, "rshared") {
			c.Spec.Linux.RootfsPropagation = "rshared"
		}
	}
	engine := func(dest, source string, readOnly bool) {
		if asked(dest) {
			return
		}
		c.Spec.Mounts = append(c.Spec.Mounts, bind(dest, source, "rprivate", readOnly))
	}
	const token = "/var/run/secrets/kubernetes.io/serviceaccount"
	if auto := m.pod.Spec.AutomountServiceAccountToken; auto == nil || *auto {
		engine(token, podDir+"/volumes/kubernetes.io~projected/kube-api-access-00000", true)
	}
	engine("/etc/hosts", podDir+"/etc-hosts", c.Spec.Root.Readonly)
	log := from.TerminationMessagePath
	if log == "" {
		log = "/dev/termination-log"
	}
	engine(log, podDir+"/containers/"+from.Name+"/00000000", false)
	engine("/etc/hostname", rootDir+"/hostname", c.Spec.Root.Readonly)
	engine("/etc/resolv.conf", rootDir+"/resolv.conf", c.Spec.Root.Readonly)
	engine("/dev/shm", m.shm(), false)
	for _, d := range from.VolumeDevices {
		c.unknown("volumeDevices: the block device of %s", d.Name)
	}
	return nil
}

func bind(dest, source, propagation string, readOnly bool) specs.Mount {
	mode := "rw"
	if readOnly {
		mode = "ro"
	}
	return specs.Mount{Destination: dest, Type: "bind", Source: source, Options: []string{"rbind", propagation, mode}}
}

// volume says where the kubelet would have a volume.
func (m *maker) volume(c *Container, from *corev1.Container, i int) (specs.Mount, error) {
	v := from.VolumeMounts[i]
	n := slices.IndexFunc(m.pod.Spec.Volumes, func(vol corev1.Volume) bool { return vol.Name == v.Name })
	if n < 0 {
		return specs.Mount{}, fmt.Errorf("volumeMounts: there is no volume %s", v.Name)
	}
	vol := m.pod.Spec.Volumes[n]
	kind, source := "", ""
	switch s := vol.VolumeSource; {
	case s.HostPath != nil:
		source = s.HostPath.Path
	case s.EmptyDir != nil:
		kind = "empty-dir"
	case s.ConfigMap != nil:
		kind = "configmap"
	case s.Secret != nil:
		kind = "secret"
	case s.Projected != nil:
		kind = "projected"
	case s.DownwardAPI != nil:
		kind = "downward-api"
	case s.Image != nil:
		c.unknown("volume %s: where containerd would have the image's files", v.Name)
		kind = "image"
	default:
		kind = "csi"
	}
	if kind != "" {
		source = podDir + "/volumes/kubernetes.io~" + kind + "/" + v.Name
		if kind == "csi" {
			source += "/mount"
		}
	}
	switch {
	case v.SubPath == "" && v.SubPathExpr == "":
	case kind == "":
		source = path.Join(source, v.SubPath)
	default:
		source = fmt.Sprintf("%s/volume-subpaths/%s/%s/%d", podDir, v.Name, from.Name, i)
	}
	propagation := "rprivate"
	if v.MountPropagation != nil {
		switch *v.MountPropagation {
		case corev1.MountPropagationHostToContainer:
			propagation = "rslave"
		case corev1.MountPropagationBidirectional:
			propagation = "rshared"
		}
	}
	return bind(v.MountPath, source, propagation, v.ReadOnly), nil
}

func (m *maker) resources(c *Container, from *corev1.Container) {
	for name, quantity := range from.Resources.Limits {
		switch {
		case name == corev1.ResourceMemory:
			n := quantity.Value()
			c.Spec.Linux.Resources.Memory = &specs.LinuxMemory{Limit: &n, Swap: &n}
		case strings.Contains(string(name), "/") && !strings.HasPrefix(string(name), "hugepages"):
			c.unknown("resource %s: the devices that its plugin would give", name)
		}
	}
}
