// SPDX-License-Identifier: Apache-2.0

package dockerrun

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

// Where dockerd keeps what it makes for a container, and the ID that stands for
// the one that it would choose.
const (
	DataRoot = "/var/lib/docker"
	Root     = "/var/run/docker/runtime-runc/moby"
	ID       = "0000000000000000000000000000000000000000000000000000000000000001"
	Bundle   = "/run/containerd/io.containerd.runtime.v2.task/moby/" + ID
)

// Run is what comes of the arguments.
type Run struct {
	Spec     *specs.Spec
	Workload workload.Workload
	// Runtime is what --runtime says, "" for the default.
	Runtime string
	// Unknown says what the specification could not take into account.
	Unknown []string
}

// Name returns the image that the arguments name.
func Name(args []string) (string, error) {
	o, err := parseFlags(args)
	if err != nil {
		return "", err
	}
	return o.image, nil
}

// Make makes the specification of `docker run ARGS`. rootfs is what stands for
// the image's root directory; image is nil where nothing is known of it.
func Make(args []string, image *Image, rootfs string) (*Run, error) {
	o, err := parseFlags(args)
	if err != nil {
		return nil, err
	}
	r := &Run{Runtime: o.runtime, Spec: &specs.Spec{
		Version: "1.2.0",
		Root:    &specs.Root{Path: rootfs, Readonly: o.readOnly},
		Process: &specs.Process{Terminal: o.tty, NoNewPrivileges: false},
		Linux:   &specs.Linux{Resources: &specs.LinuxResources{}},
	}}
	if image == nil {
		image = &Image{}
		r.unknown("the image's own user, command, environment and volumes (Docker does not run here, or does not have it)")
	}
	r.unknown("the image's files: which of its directories are made writable, and users that are given by name")
	m := maker{Run: r, options: o, image: image}
	for _, step := range []func() error{
		m.identity, m.process, m.user, m.capabilities, m.namespaces, m.mounts, m.devices, m.resources, m.security, m.sysctl,
	} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFlag, err)
		}
	}
	return r, nil
}

func (r *Run) unknown(format string, args ...any) {
	r.Unknown = append(r.Unknown, fmt.Sprintf(format, args...))
}

// Config returns the specification as JSON.
func (r *Run) Config() ([]byte, error) { return json.Marshal(r.Spec) }

type maker struct {
	*Run
	*options
	image *Image
}

func (m *maker) identity() error {
	labels := map[string]string{}
	for k, v := range m.image.Config.Labels {
		labels[k] = v
	}
	for _, l := range m.labels {
		k, v, _ := strings.Cut(l, "=")
		labels[k] = v
	}
	var members []spec.Member
	for k, v := range labels {
		members = append(members, spec.M(k, spec.Text(v)))
	}
	m.Workload = workload.Workload{
		Engine: workload.Docker, Name: m.name, Image: m.options.image, ImageID: m.image.ID, Labels: spec.Map(members...), DataRoot: DataRoot,
	}
	for _, a := range m.annotations {
		k, v, _ := strings.Cut(a, "=")
		if m.Spec.Annotations == nil {
			m.Spec.Annotations = map[string]string{}
		}
		m.Spec.Annotations[k] = v
	}
	if m.Spec.Hostname = m.hostname; m.hostname == "" && m.uts != "host" {
		m.Spec.Hostname = ID[:12]
	}
	if m.gpus != "" {
		m.Run.unknown("--gpus: the devices and the hook that the NVIDIA container toolkit would add")
	}
	if len(m.volumesFrom) > 0 {
		m.Run.unknown("--volumes-from: the mounts of %s", strings.Join(m.volumesFrom, ", "))
	}
	return nil
}

func (m *maker) process() error {
	p, config := m.Spec.Process, m.image.Config
	if p.Cwd = m.workdir; p.Cwd == "" {
		p.Cwd = config.WorkingDir
	}
	if p.Cwd == "" {
		p.Cwd = "/"
	}
	entrypoint, command := config.Entrypoint, m.command
	if m.given["entrypoint"] {
		entrypoint = nil
		if m.entrypoint != "" {
			entrypoint = []string{m.entrypoint}
		}
	} else if len(command) == 0 {
		command = config.Cmd
	}
	if p.Args = append(slices.Clone(entrypoint), command...); len(p.Args) == 0 {
		p.Args = []string{"sh"}
	}
	if m.init {
		p.Args = append([]string{"/sbin/docker-init", "--"}, p.Args...)
	}
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=" + m.Spec.Hostname}
	if m.tty {
		env = append(env, "TERM=xterm")
	}
	given, err := m.environment()
	if err != nil {
		return err
	}
	for _, kv := range append(slices.Clone(config.Env), given...) {
		env = setEnv(env, kv)
	}
	p.Env = env
	return nil
}

// environment reads -e and --env-file; -e NAME takes the caller's value, and is
// left out where there is none.
func (m *maker) environment() ([]string, error) {
	var lines []string
	for _, name := range m.envFiles {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("--env-file: %w", err)
		}
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				lines = append(lines, line)
			}
		}
	}
	var out []string
	for _, kv := range append(lines, m.env...) {
		if !strings.Contains(kv, "=") {
			value, ok := os.LookupEnv(kv)
			if !ok {
				continue
			}
			kv += "=" + value
		}
		out = append(out, kv)
	}
	return out, nil
}

func setEnv(env []string, kv string) []string {
	name, _, _ := strings.Cut(kv, "=")
	for i := range env {
		if strings.HasPrefix(env[i], name+"=") {
			env[i] = kv
			return env
		}
	}
	return append(env, kv)
}

// user is whom the process starts as; the groups begin with its own.
func (m *maker) user() error {
	name := m.options.user
	if name == "" {
		name = m.image.Config.User
	}
	user, group, both := strings.Cut(name, ":")
	uid, okUID := id(user)
	gid, okGID := id(group)
	if !both && okUID {
		gid, okGID = uid, true // unless the image's passwd says another
		if uid != 0 {
			m.Run.unknown("the group of UID %d in the image's passwd: %d is taken", uid, gid)
		}
	}
	if !okUID || !okGID {
		m.Run.unknown("the numbers of user %q in the image: 65534 is taken", name)
		if !okUID {
			uid = 65534
		}
		if !okGID {
			gid = 65534
		}
	}
	groups := []uint32{gid}
	for _, g := range m.groups {
		n, ok := id(g)
		if !ok {
			m.Run.unknown("the number of group %q in the image", g)
			continue
		}
		groups = append(groups, n)
	}
	m.Spec.Process.User = specs.User{UID: uid, GID: gid, AdditionalGids: groups}
	return nil
}

func id(s string) (uint32, bool) {
	if s == "" {
		return 0, true
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}

func (m *maker) namespaces() error {
	l := m.Spec.Linux
	own := func(typ specs.LinuxNamespaceType) {
		l.Namespaces = append(l.Namespaces, specs.LinuxNamespace{Type: typ})
	}
	joined := func(typ specs.LinuxNamespaceType, of string) {
		m.Run.unknown("the %s namespace of %s: one of its own is taken", typ, of)
		own(typ)
	}
	own(specs.MountNamespace)
	for _, n := range m.networks {
		if of, ok := strings.CutPrefix(n, "container:"); ok {
			joined(specs.NetworkNamespace, "container "+of)
		}
	}
	switch {
	case m.hostNetwork():
		l.Namespaces = append(l.Namespaces, specs.LinuxNamespace{Type: specs.NetworkNamespace, Path: "/proc/self/ns/net"})
	case !m.joinsNetwork():
		own(specs.NetworkNamespace)
	}
	for _, ns := range []struct {
		typ  specs.LinuxNamespaceType
		mode string
	}{{specs.UTSNamespace, m.uts}, {specs.PIDNamespace, m.pid}, {specs.IPCNamespace, m.ipc}} {
		of, container := strings.CutPrefix(ns.mode, "container:")
		switch {
		case container:
			joined(ns.typ, "container "+of)
		case ns.mode != "host":
			own(ns.typ)
		}
	}
	if m.cgroupns == "private" || m.cgroupns == "" && !m.privileged && cgroup2() {
		own(specs.CgroupNamespace)
	}
	if m.userns != "" && m.userns != "host" {
		return fmt.Errorf("--userns %q: want host or nothing", m.userns)
	}
	l.CgroupsPath = path.Join("/docker", ID)
	if m.cgroupParent != "" {
		l.CgroupsPath = path.Join("/", m.cgroupParent, ID)
	}
	return nil
}

func (m *maker) hostNetwork() bool { return slices.Contains(m.networks, "host") }

func (m *maker) joinsNetwork() bool {
	return slices.ContainsFunc(m.networks, func(n string) bool { return strings.HasPrefix(n, "container:") })
}

func cgroup2() bool {
	_, err := os.Stat("/sys/fs/cgroup/cgroup.controllers")
	return err == nil
}

func (m *maker) resources() error {
	r, p := m.Spec.Linux.Resources, m.Spec.Process
	size := func(flag, text string) (*int64, error) {
		if text == "" {
			return nil, nil
		}
		if text == "-1" {
			n := int64(-1)
			return &n, nil
		}
		n, err := units.RAMInBytes(text)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", flag, err)
		}
		return &n, nil
	}
	limit, err := size("memory", m.memory)
	if err != nil {
		return err
	}
	swap, err := size("memory-swap", m.memorySwap)
	if err != nil {
		return err
	}
	if swap == nil && limit != nil { // as much again
		n := 2 * *limit
		swap = &n
	}
	if limit != nil || swap != nil || m.oomKillDisable {
		r.Memory = &specs.LinuxMemory{Limit: limit, Swap: swap, DisableOOMKiller: &m.oomKillDisable}
	}
	if m.pidsLimit > 0 {
		r.Pids = &specs.LinuxPids{Limit: &m.pidsLimit}
	}
	cpu := &specs.LinuxCPU{Cpus: m.cpuset}
	if m.cpus != "" {
		n, err := strconv.ParseFloat(m.cpus, 64)
		if err != nil {
			return fmt.Errorf("--cpus: %w", err)
		}
		period, quota := uint64(100000), int64(n*100000)
		cpu.Period, cpu.Quota = &period, &quota
	}
	if m.cpuPeriod > 0 {
		period := uint64(m.cpuPeriod)
		cpu.Period = &period
	}
	if m.cpuQuota != 0 {
		cpu.Quota = &m.cpuQuota
	}
	if m.cpuShares > 0 {
		shares := uint64(m.cpuShares)
		cpu.Shares = &shares
	}
	r.CPU = cpu
	p.OOMScoreAdj = &m.oomScoreAdj
	for _, u := range m.ulimits {
		l, err := units.ParseUlimit(u)
		if err != nil {
			return fmt.Errorf("--ulimit: %w", err)
		}
		p.Rlimits = append(p.Rlimits, specs.POSIXRlimit{Type: "RLIMIT_" + strings.ToUpper(l.Name), Hard: uint64(l.Hard), Soft: uint64(l.Soft)})
	}
	return nil
}

func (m *maker) sysctl() error {
	set := map[string]string{}
	if !m.hostNetwork() && !m.joinsNetwork() {
		set["net.ipv4.ip_unprivileged_port_start"] = "0"
		set["net.ipv4.ping_group_range"] = "0 2147483647"
	}
	for _, s := range m.sysctls {
		k, v, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("--sysctl %q: want NAME=VALUE", s)
		}
		set[k] = v
	}
	if len(set) > 0 {
		m.Spec.Linux.Sysctl = set
	}
	return nil
}
