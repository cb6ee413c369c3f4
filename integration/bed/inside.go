// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// scratch is the bed's folder on disk; the outer process removes it.
var scratch string

// inside furnishes the namespaces. It runs in the process that goes on with
// the program.
func inside() error {
	scratch = os.Getenv(scratchEnv)
	for _, e := range []string{stageEnv, scratchEnv} {
		if err := os.Unsetenv(e); err != nil {
			return err
		}
	}
	if scratch == "" {
		return fmt.Errorf("%s is not set", scratchEnv)
	}
	if err := os.Setenv("TMPDIR", filepath.Join(scratch, "tmp")); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make / private: %w", err)
	}
	hiers, mounts := hierarchies(), mountinfo()
	for _, step := range []func() error{
		mountProc,
		func() error { return mountSys(hiers, mounts) },
		mountEtc,
		func() error { return tmpfs("/run", "mode=755") },
		func() error { return tmpfs("/dev/shm", "mode=1777") }, // Podman keeps its locks there
		func() error { return tmpfs("/var/log", "mode=755") },
		func() error { return mountOver("/var/lib") }, // CNI and Podman keep state there
		linkUp,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, d := range []string{"/run/netns", "/run/lock"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	return unix.Sethostname([]byte("bed"))
}

// detach takes away what is mounted on path, all layers of it: a mount that is
// merely covered stays in mountinfo, where runtimes look for cgroup hierarchies.
func detach(path string) {
	for unix.Unmount(path, unix.MNT_DETACH) == nil {
	}
}

// mountAt mounts on target, which it makes where it is missing: every target
// is on a file system of the bed's own, or exists on any Linux.
func mountAt(source, target, fstype, data string, flags uintptr) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		return fmt.Errorf("mount %s on %s (%s): %w", fstype, target, data, err)
	}
	return nil
}

func tmpfs(target, data string) error {
	detach(target)
	return mountAt("tmpfs", target, "tmpfs", data, unix.MS_NOSUID|unix.MS_NODEV)
}

// mountProc gives the new PID namespace its own /proc.
func mountProc() error {
	detach("/proc")
	return mountAt("proc", "/proc", "proc", "", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC)
}

// mountSys gives the new network namespace its own /sys (sysfs shows the
// network devices of the namespace it was mounted in), with the cgroup
// hierarchies where the host has them, each showing the bed's own cgroup as
// its root.
func mountSys(hiers []hierarchy, mounts []mount) error {
	links := map[string]string{} // v1: cpu -> cpu,cpuacct
	entries, _ := os.ReadDir(cgroupRoot)
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join(cgroupRoot, e.Name())); err == nil {
			links[e.Name()] = to
		}
	}
	detach("/sys")
	if err := mountAt("sysfs", "/sys", "sysfs", "", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC); err != nil {
		return err
	}
	for _, m := range mounts {
		switch m.fstype {
		case "securityfs", "debugfs", "tracefs", "bpf":
			if strings.HasPrefix(m.mountpoint, "/sys/") {
				// Not all of them can be mounted everywhere; none is needed.
				_ = unix.Mount(m.fstype, m.mountpoint, m.fstype, 0, "")
			}
		}
	}
	pure := slices.ContainsFunc(hiers, func(h hierarchy) bool { return h.only })
	if !pure && len(hiers) > 0 {
		if err := mountAt("tmpfs", cgroupRoot, "tmpfs", "mode=755", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC); err != nil {
			return err
		}
	}
	for _, h := range hiers {
		fstype := "cgroup"
		if h.v2 {
			fstype = "cgroup2"
		}
		if err := mountAt(fstype, h.mountpoint, fstype, h.options, unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC); err != nil {
			return err
		}
	}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(cgroupRoot, name)); err != nil {
			return err
		}
	}
	if pure {
		return delegate()
	}
	return nil
}

// delegate makes the controllers of a pure v2 host available below the bed's
// cgroup: the processes move to a leaf first.
func delegate() error {
	leaf := filepath.Join(cgroupRoot, "init")
	if err := os.Mkdir(leaf, 0o755); err != nil {
		return fmt.Errorf("make the init cgroup: %w", err)
	}
	for _, pid := range []int{1, os.Getpid()} {
		if err := joinGroups([]string{leaf}, pid); err != nil {
			return err
		}
	}
	b, err := os.ReadFile(filepath.Join(cgroupRoot, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for _, c := range strings.Fields(string(b)) {
		if err := os.WriteFile(filepath.Join(cgroupRoot, "cgroup.subtree_control"), []byte("+"+c), 0o644); err != nil {
			return fmt.Errorf("hand the %s controller down: %w", c, err)
		}
	}
	return nil
}

// mountOver lays an overlay over dir, so that tests and engines write there
// privately. The upper folder is on a tmpfs because an overlay's upper may not
// be on an overlay, which / is in a container.
func mountOver(dir string) error {
	private := filepath.Join(scratch, "over", filepath.Base(dir))
	if err := mountAt("tmpfs", private, "tmpfs", "mode=711", 0); err != nil {
		return err
	}
	for _, d := range []string{"upper", "work"} {
		if err := os.Mkdir(filepath.Join(private, d), 0o755); err != nil {
			return err
		}
	}
	data := fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", dir, private, private)
	return mountAt("overlay", dir, "overlay", data, 0)
}

// mountEtc gives the bed its own /etc, without any policy of the host's.
func mountEtc() error {
	// In a container these are mounts of their own, which an overlay's lower
	// folder does not show, or links into the host's /run.
	keep := map[string][]byte{}
	for _, f := range []string{"/etc/resolv.conf", "/etc/hosts", "/etc/hostname"} {
		if b, err := os.ReadFile(f); err == nil {
			keep[f] = b
		}
	}
	if err := mountOver("/etc"); err != nil {
		return err
	}
	for f, b := range keep {
		if err := os.Remove(f); err != nil && !os.IsNotExist(err) {
			return err
		}
		if err := os.WriteFile(f, b, 0o644); err != nil {
			return err
		}
	}
	return os.RemoveAll("/etc/runclad")
}

func linkUp() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find lo: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("bring lo up: %w", err)
	}
	return nil
}
