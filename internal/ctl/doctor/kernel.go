// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/metadata"
)

// kernel tries each interface that the shim uses.
func (h *Host) kernel(a *area) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		a.unknown("version", err)
	} else {
		a.ok("version", "Linux %s on %s", unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Machine[:]))
	}
	probe(a, "openat2", tryOpenat2(), "paths of images are resolved inside of them", "needs Linux 5.6")
	probe(a, "memfd", tryMemfd(), "execs are handed over in a sealed file", "needs memfd_create(2) with sealing; vm.memfd_noexec must not forbid it")
	probe(a, "mount API", tryOpenTree(), "open_tree(2) clones mounts", "needs Linux 5.2")
	probe(a, "user namespaces", tryUserNamespaces(), "idmapped mounts take their mapping from one", "sysctl user.max_user_namespaces must not be 0")
	probe(a, "overlay", tryOverlay(), "overlayfs is there", "modprobe overlay")
	seccompActions(a)
	probe(a, "nftables", tryNftables(), "the metadata block was set in a namespace of its own, and read back",
		`load nf_tables and nft_reject_inet, or set metadata = "allow" in the policy`)
}

// errUnknown marks the error of a probe that could not be made.
type errUnknown struct{ error }

// probe adds a finding for the error of a probe.
func probe(a *area, check string, err error, good, remedy string) {
	var u errUnknown
	switch {
	case err == nil:
		a.ok(check, "%s", good)
	case errors.As(err, &u), errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		a.unknown(check, err)
	default:
		a.problem(check, remedy, "%v", err)
	}
}

func tryOpenat2() error {
	fd, err := unix.Openat2(unix.AT_FDCWD, "/", &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT})
	if err != nil {
		return os.NewSyscallError("openat2", err)
	}
	return unix.Close(fd)
}

func tryMemfd() error {
	fd, err := unix.MemfdCreate("runcladctl", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return os.NewSyscallError("memfd_create", err)
	}
	defer unix.Close(fd)
	_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	return os.NewSyscallError("seal a memfd", err)
}

// tryOpenTree makes a mount that is attached nowhere and goes with its
// descriptor.
func tryOpenTree() error {
	fd, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("open_tree", err)
	}
	return unix.Close(fd)
}

func tryUserNamespaces() error {
	data, err := os.ReadFile("/proc/sys/user/max_user_namespaces")
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("the kernel has no user namespaces")
	case err != nil:
		return errUnknown{err}
	case strings.TrimSpace(string(data)) == "0":
		return errors.New("user.max_user_namespaces is 0")
	}
	return nil
}

// tryOverlay looks only: a module that is not loaded yet is loaded by the first
// mount.
func tryOverlay() error {
	data, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		return errUnknown{err}
	}
	if !strings.Contains(string(data), "\toverlay\n") {
		return errUnknown{errors.New("overlay is not in /proc/filesystems: it may be a module that the first mount loads")}
	}
	return nil
}

// seccompActions are those that the generated profile uses.
func seccompActions(a *area) {
	data, err := os.ReadFile("/proc/sys/kernel/seccomp/actions_avail")
	if err != nil {
		a.unknown("seccomp", err)
		return
	}
	have := strings.Fields(string(data))
	for _, want := range [...]string{"errno", "allow", "kill_process"} {
		found := false
		for _, x := range have {
			found = found || x == want
		}
		if !found {
			a.problem("seccomp", "needs Linux 4.14 with CONFIG_SECCOMP_FILTER", "the action %s is missing from %s", want, strings.Join(have, " "))
			return
		}
	}
	a.ok("seccomp", "actions %s", strings.Join(have, " "))
}

// tryNftables sets the block where nobody else is.
func tryNftables() error {
	netns, err := metadata.New(metadata.Options{})
	if err != nil {
		return err
	}
	defer unix.Close(netns)
	hits, err := metadata.Counters(netns)
	if err == nil && len(hits) == 0 {
		err = errors.New("the block was set and shows no counters")
	}
	return err
}
