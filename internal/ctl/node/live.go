// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/metadata"
)

// Live is how a container runs, as the kernel shows it.
type Live struct {
	// Processes are all of the container's, the first one first.
	Processes []*Status
	// Shared says for each type of namespace (as under /proc/PID/ns) whether it
	// is the host's; a type that the kernel lacks is absent.
	Shared map[string]bool
	// Mounts are the container's, Host those of the host, to say what of it is
	// mounted.
	Mounts, Host []*mountinfo.Info

	Pids, Memory, CPU Limit
	CoreSoft          uint64
	CoreHard          uint64
	// Label is the LSM's label of the first process, "" without one.
	Label string
	// Devices are the device nodes in the container's /dev that are not among
	// the harmless ones.
	Devices []string
	// Blocked says whether the metadata block stands in its network namespace,
	// and Hits what it refused. Netns names the namespace: containers of a pod
	// share one.
	Blocked bool
	Hits    []metadata.Hit
	Netns   string

	// Doubts say for each part of the above why it could not be read.
	Doubts map[string]error
}

// The parts of Live that can fail by themselves.
const (
	PartProcesses   = "processes"
	PartEnvironment = "environment"
	PartNamespaces  = "namespaces"
	PartMounts      = "mounts"
	PartLimits      = "limits"
	PartLabel       = "label"
	PartDevices     = "devices"
	PartMetadata    = "metadata"
)

// ErrNotRunning is returned for a container without a process of its own.
var ErrNotRunning = errors.New("the container does not run")

// Live reads how a running container runs. The error is that of one that does
// not, or that ended meanwhile.
func (c *Container) Live() (*Live, error) {
	if c.State != Running {
		return nil, fmt.Errorf("%w: it is %s", ErrNotRunning, c.State)
	}
	pid := c.Process.PID
	l := &Live{Doubts: map[string]error{}}
	l.part(PartMounts, func() (err error) {
		if l.Mounts, err = mountsOf(pid); err != nil {
			return err
		}
		l.Host, err = mountinfo.GetMounts(nil)
		return err
	})
	l.part(PartProcesses, func() error { return l.processes(c) })
	l.part(PartEnvironment, l.environments)
	l.part(PartNamespaces, func() error { return l.namespaces(pid) })
	l.part(PartLimits, func() error { return l.limits(pid, c.Cgroups) })
	l.part(PartLabel, func() error { return l.label(pid) })
	l.part(PartDevices, func() error { return l.devices(pid) })
	l.part(PartMetadata, func() error { return l.metadata(pid) })
	alive, err := c.Process.Alive()
	if err != nil {
		return nil, err
	}
	if !alive {
		return nil, fmt.Errorf("%w: its process %d ended just now", ErrNotRunning, pid)
	}
	return l, nil
}

func mountsOf(pid int) ([]*mountinfo.Info, error) {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return mountinfo.GetMountsFromReader(f, nil)
}

func (l *Live) part(name string, read func() error) {
	if err := read(); err != nil {
		l.Doubts[name] = err
	}
}

func (l *Live) processes(c *Container) error {
	if len(c.Cgroups) == 0 {
		dirs, err := cgroups(c.Process.PID, l.Host)
		if err != nil {
			return err
		}
		c.Cgroups = dirs
	}
	first, err := readStatus(c.Process.PID)
	if err != nil {
		return err
	}
	mnt, err := os.Readlink("/proc/" + strconv.Itoa(c.Process.PID) + "/ns/mnt")
	if err != nil {
		return err
	}
	// An exec is in the container before it has given up what the runtime has: one
	// that differs from the first process is looked at again until that is over.
	for try := 0; ; try++ {
		pids, err := processes(c.Cgroups)
		if err != nil {
			return err
		}
		l.Processes = []*Status{first}
		settled := true
		for _, pid := range pids {
			if pid == c.Process.PID {
				continue
			}
			// Without a cgroup of its own, a container shares that of its engine.
			if own, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/mnt"); err != nil || own != mnt {
				continue
			}
			s, err := readStatus(pid)
			if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) || err == nil && s.Zombie {
				continue
			}
			if err != nil {
				return err
			}
			settled = settled && s.UID == first.UID && s.Capabilities() == first.Capabilities() && s.Seccomp == first.Seccomp && s.NoNewPrivs == first.NoNewPrivs
			l.Processes = append(l.Processes, s)
		}
		if settled || try == settleTries {
			return nil
		}
		time.Sleep(settlePause)
	}
}

const (
	settleTries = 5
	settlePause = 100 * time.Millisecond
)

func (l *Live) namespaces(pid int) error {
	l.Shared = map[string]bool{}
	for _, name := range []string{"mnt", "pid", "net", "ipc", "uts", "user", "cgroup"} {
		file := "/proc/" + strconv.Itoa(pid) + "/ns/" + name
		same, err := host.IsHostNamespace(name, file)
		if err != nil {
			return err
		}
		l.Shared[name] = same
	}
	return nil
}

func (l *Live) limits(pid int, dirs []string) error {
	l.Pids = limit(dirs, "pids.max")
	l.Memory = limit(dirs, "memory.max", "memory.limit_in_bytes")
	l.CPU = limit(dirs, "cpu.max", "cpu.cfs_quota_us")
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/limits")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		rest, ok := strings.CutPrefix(line, "Max core file size")
		if f := strings.Fields(rest); ok && len(f) >= 2 {
			l.CoreSoft, l.CoreHard = rlimit(f[0]), rlimit(f[1])
			return nil
		}
	}
	return fmt.Errorf("/proc/%d/limits has no line for core files", pid)
}

func rlimit(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return unix.RLIM_INFINITY
	}
	return n
}

// label reads AppArmor's or SELinux's. A kernel with neither says EINVAL.
func (l *Live) label(pid int) error {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/attr/current")
	if errors.Is(err, unix.EINVAL) || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	l.Label = strings.Trim(string(data), "\x00\n ")
	return err
}

// harmless are the devices that every container has (OCI config-linux.md,
// "Default Devices"), by their numbers.
var harmless = map[[2]uint32]bool{
	{1, 3}: true, {1, 5}: true, {1, 7}: true, {1, 8}: true, {1, 9}: true, // null zero full random urandom
	{5, 0}: true, {5, 1}: true, {5, 2}: true, // tty console ptmx
}

// devices looks at the container's /dev. The path is resolved as if the
// container's root were /, since a link of the image could lead anywhere
// (openat2(2), RESOLVE_IN_ROOT).
func (l *Live) devices(pid int) error {
	root, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/root", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open root of process", Path: strconv.Itoa(pid), Err: err}
	}
	defer unix.Close(root)
	fd, err := unix.Openat2(root, "dev", &unix.OpenHow{
		Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "open in the container", Path: "/dev", Err: err}
	}
	dir := os.NewFile(uintptr(fd), "/dev")
	defer dir.Close()
	names, err := dir.Readdirnames(maxDevices)
	if err != nil && len(names) == 0 {
		return err
	}
	for _, name := range names {
		var st unix.Stat_t
		if unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
			continue
		}
		kind := st.Mode & unix.S_IFMT
		major, minor := unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))
		if kind == unix.S_IFBLK || kind == unix.S_IFCHR && !harmless[[2]uint32{major, minor}] && major != 136 { // 136: terminals
			l.Devices = append(l.Devices, fmt.Sprintf("/dev/%s (%d:%d)", name, major, minor))
		}
	}
	return nil
}

// maxDevices bounds how much of /dev is read: a process may have filled it.
const maxDevices = 4096

func (l *Live) metadata(pid int) error {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open network namespace of process", Path: strconv.Itoa(pid), Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	l.Netns = fmt.Sprintf("%d:%d", st.Dev, st.Ino)
	l.Hits, err = metadata.Counters(fd)
	if errors.Is(err, metadata.ErrNotBlocked) {
		return nil
	}
	l.Blocked = err == nil
	return err
}

// Refused is the number of packets that the metadata block refused.
func (l *Live) Refused() uint64 {
	var n uint64
	for _, h := range l.Hits {
		n += h.Packets
	}
	return n
}
