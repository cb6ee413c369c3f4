// SPDX-License-Identifier: Apache-2.0

package prelude

import (
	"syscall"
	"unsafe"
)

// A name is a path with the NUL that the kernel wants at its end.
type name string

// Link is a symbolic link to the real runtime. It is a link and no policy key,
// since the commands that stop a container must find the runtime without reading
// anything that can be broken.
const Link = "/etc/runclad/runtime"

const link name = Link + "\x00"

// usual are tried in order where there is no link.
var usual = [...]name{
	"/usr/local/sbin/runc\x00", "/usr/local/bin/runc\x00", "/usr/sbin/runc\x00", "/usr/bin/runc\x00",
	"/usr/local/bin/crun\x00", "/usr/bin/crun\x00",
}

// problem is why there is no runtime to hand off to.
type problem uint8

const (
	none     problem = iota
	missing          // there is none at the usual places
	dangling         // the link leads nowhere
	unread           // the kernel does not say where it is, or which file
	itself           // it is this program
	unnamed          // its name is that of no runtime
)

// found is the kernel's path of the runtime, all links followed. The first
// length bytes of it count, and a NUL follows them.
var (
	found  [4096]byte
	length int
)

// Room for what find asks the kernel; one at a time, see [Runtime].
var (
	here  [64]byte
	stats [2]syscall.Stat_t
)

// find looks for the runtime and leaves its path in found.
//
//go:nosplit
func find() (problem, syscall.Errno) {
	length = 0
	fd, errno := open(link)
	if errno != 0 {
		// Only where the link itself is missing does something else stand in
		// for it.
		if e := readlink(link); e != syscall.ENOENT && e != syscall.ENOTDIR {
			return dangling, errno
		}
		for i := 0; i < len(usual) && errno != 0; i++ {
			fd, errno = open(usual[i])
		}
		if errno != 0 {
			return missing, errno
		}
	}
	what, errno := inspect(fd)
	shut(fd)
	return what, errno
}

// inspect looks at the file that is open at fd.
//
//go:nosplit
func inspect(fd uintptr) (problem, syscall.Errno) {
	own, errno := open("/proc/self/exe\x00")
	if errno != 0 {
		return unread, errno
	}
	errno = stat(own, &stats[0])
	shut(own)
	if errno == 0 {
		errno = stat(fd, &stats[1])
	}
	if errno == 0 {
		errno = readlink(descriptor(fd))
	}
	switch {
	case errno != 0:
		return unread, errno
	case length == len(found):
		return unread, syscall.ENAMETOOLONG
	case stats[0].Dev == stats[1].Dev && stats[0].Ino == stats[1].Ino:
		return itself, 0
	case !named():
		return unnamed, 0
	}
	found[length] = 0
	return none, 0
}

// base returns where the last part of found begins.
//
//go:nosplit
func base() int {
	for i := length - 1; i >= 0; i-- {
		if found[i] == '/' {
			return i + 1
		}
	}
	return 0
}

// named reports whether the file's name holds runc or crun: the command line is
// read by it.
//
//go:nosplit
func named() bool {
	for i := base(); i+4 <= length; i++ {
		if holds(i, "runc") || holds(i, "crun") {
			return true
		}
	}
	return false
}

// holds reports whether word stands at place i of found.
//
//go:nosplit
func holds(i int, word string) bool {
	for j := 0; j < len(word); j++ {
		if i+j >= length || found[i+j] != word[j] {
			return false
		}
	}
	return true
}

// descriptor returns the link in /proc that says where fd leads.
//
//go:nosplit
func descriptor(fd uintptr) name {
	const dir = "/proc/self/fd/"
	n := 0
	for ; n < len(dir); n++ {
		here[n] = dir[n]
	}
	digits := 1
	for rest := fd; rest >= 10; rest /= 10 {
		digits++
	}
	for i := n + digits - 1; i >= n && i < len(here); i-- {
		here[i] = byte('0' + fd%10)
		fd /= 10
	}
	here[n+digits] = 0
	return name(unsafe.String(&here[0], n+digits+1))
}

// open opens a file for nothing but asking about it.
//
//go:nosplit
func open(n name) (uintptr, syscall.Errno) {
	const oPath = 0x200000 // O_PATH of open(2)
	return openAt(atCwd, pointer(n), oPath)
}

const atCwd = ^uintptr(99) // AT_FDCWD, -100

//go:nosplit
func openAt(dir, path, flags uintptr) (uintptr, syscall.Errno) {
	fd, _, errno := syscall.RawSyscall6(syscall.SYS_OPENAT, dir, path, flags|syscall.O_CLOEXEC, 0, 0, 0)
	return fd, errno
}

//go:nosplit
func shut(fd uintptr) { _, _, _ = syscall.RawSyscall(syscall.SYS_CLOSE, fd, 0, 0) }

//go:nosplit
func stat(fd uintptr, st *syscall.Stat_t) syscall.Errno {
	_, _, errno := syscall.RawSyscall(syscall.SYS_FSTAT, fd, uintptr(unsafe.Pointer(st)), 0)
	return errno
}

// readlink reads the text of a link into found.
//
//go:nosplit
func readlink(n name) syscall.Errno {
	size, _, errno := syscall.RawSyscall6(syscall.SYS_READLINKAT, atCwd, pointer(n), uintptr(unsafe.Pointer(&found[0])), uintptr(len(found)), 0, 0)
	if errno == 0 {
		length = int(size)
	}
	return errno
}

//go:nosplit
func pointer(n name) uintptr { return uintptr(unsafe.Pointer(unsafe.StringData(string(n)))) }
