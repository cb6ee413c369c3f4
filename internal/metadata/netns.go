// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// socketIn makes a nf_tables netlink socket in the given network namespace. A
// socket stays in the namespace that it was made in, so nothing else needs to be
// done there.
//
// The calling thread goes there and comes back. Where coming back fails, the
// goroutine stays locked to that thread, so that nothing else ever runs on it, and
// the error ends what the caller is about, an execve(2) above all: every caller
// fails the container that it cannot block. (A thread of its own for these three
// calls costs more than the whole ruleset.)
func socketIn(netns int) (int, error) {
	return away(func() (int, error) {
		if err := unix.Setns(netns, unix.CLONE_NEWNET); err != nil {
			return -1, failure("enter the network namespace", err)
		}
		return socket()
	})
}

// unshared makes a network namespace, and a nf_tables netlink socket in it.
func unshared() (netns, fd int, err error) {
	netns = -1
	fd, err = away(func() (int, error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return -1, failure("make a network namespace", err)
		}
		if netns, err = thisNetns(); err != nil {
			return -1, err
		}
		return socket()
	})
	if err != nil && netns >= 0 {
		unix.Close(netns)
	}
	return netns, fd, err
}

// away calls f, which changes the network namespace of the calling thread and
// opens a descriptor there, and comes back.
func away(f func() (int, error)) (int, error) {
	runtime.LockOSThread()
	home, err := thisNetns()
	if err != nil {
		runtime.UnlockOSThread()
		return -1, err
	}
	defer unix.Close(home)
	fd, err := f()
	if back := unix.Setns(home, unix.CLONE_NEWNET); back != nil {
		if err == nil {
			unix.Close(fd)
		}
		return -1, failure("return to the network namespace of the process", back)
	}
	runtime.UnlockOSThread()
	return fd, err
}

func thisNetns() (int, error) {
	const file = "/proc/thread-self/ns/net"
	fd, err := unix.Open(file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, failure("open "+file, err)
	}
	return fd, nil
}

func socket() (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return -1, failure("open a netlink socket for nf_tables", err)
	}
	return fd, nil
}

// SameNetns says whether two descriptors refer to the same network namespace, by
// device and inode number (namespaces(7)). A descriptor of anything else than a
// network namespace is an error, never a no (NS_GET_NSTYPE, Linux 4.11).
func SameNetns(a, b int) (bool, error) {
	ida, err := netnsID(a)
	if err != nil {
		return false, err
	}
	idb, err := netnsID(b)
	if err != nil {
		return false, err
	}
	return ida == idb, nil
}

// SameNetnsPath compares the namespace of a descriptor with that of a path, such
// as /proc/1/ns/net or a file that a namespace is bind-mounted on.
func SameNetnsPath(netns int, path string) (bool, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return false, failure("open "+path, err)
	}
	defer unix.Close(fd)
	return SameNetns(netns, fd)
}

func netnsID(fd int) (id [2]uint64, err error) {
	typ, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE)
	if err != nil {
		return id, &kernelError{op: "ask for the type of a namespace", errno: unix.ENOTTY, text: "not a namespace file"}
	}
	if typ != unix.CLONE_NEWNET {
		return id, &kernelError{op: "compare network namespaces", errno: unix.ENOTTY, text: "a namespace of another type"}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return id, failure("fstat a network namespace", err)
	}
	return [2]uint64{uint64(st.Dev), st.Ino}, nil
}
