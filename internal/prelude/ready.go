// SPDX-License-Identifier: Apache-2.0

package prelude

import (
	"syscall"
	"unsafe"

	"github.com/runclad/runclad/internal/record"
)

// runDir is where records are kept; tests have their own.
var runDir name = record.DefaultDir + "\x00"

// Room for what ready makes and reads.
var (
	member [len(record.ContainerDir) + 1 + maxID + 1 + 16 + 1]byte // container/ID.HASH
	marker [256]byte                                               // CREATION/ready
	dirent [1024]byte
	marked [maxRoot + 1]byte
)

// Bounds of what is answered here; package record has the same.
const (
	maxID   = 200
	maxRoot = 3072
)

// ready reports whether create has left a note that nothing is to be done before
// the container starts (record.Store.MarkReady): its metadata block stands
// already, or the policy wants none. It is false wherever anything is in doubt.
//
//go:nosplit
func ready(root, id *byte) bool {
	if !locate(root, id) {
		return false
	}
	run, errno := openAt(atCwd, pointer(runDir), syscall.O_DIRECTORY|syscall.O_NOFOLLOW)
	if errno != 0 {
		return false
	}
	folder := run
	if !trusted(run) {
		errno = syscall.EACCES
	} else {
		folder, errno = openAt(run, uintptr(unsafe.Pointer(&member[0])), syscall.O_DIRECTORY|syscall.O_NOFOLLOW)
	}
	shut(run)
	if errno != 0 {
		return false
	}
	note := folder
	if !onlyEntry(folder) {
		errno = syscall.ENOENT
	} else {
		note, errno = openAt(folder, uintptr(unsafe.Pointer(&marker[0])), syscall.O_NOFOLLOW|syscall.O_NONBLOCK)
	}
	shut(folder)
	return errno == 0 && names(note, root)
}

// locate leaves in member where a container's folder is, as record.Key has it.
//
//go:nosplit
func locate(root, id *byte) bool {
	rootLen, idLen := plainRoot(root), plainID(id)
	if rootLen == 0 || idLen == 0 {
		return false
	}
	n := put(member[:], 0, record.ContainerDir+"/")
	n = put(member[:], n, unsafe.String(id, idLen))
	n = put(member[:], n, ".")
	h := record.Sum(unsafe.String(root, rootLen))
	for shift := 60; shift >= 0; shift -= 4 {
		n = put(member[:], n, "0123456789abcdef"[h>>shift&15:][:1])
	}
	member[n] = 0
	return true
}

// trusted reports whether nobody else can have put anything in a folder, as
// package rundir does.
//
//go:nosplit
func trusted(dir uintptr) bool {
	me, _, _ := syscall.RawSyscall(syscall.SYS_GETEUID, 0, 0, 0)
	above, errno := openAt(dir, pointer("..\x00"), syscall.O_DIRECTORY)
	if errno != 0 {
		return false
	}
	errno = stat(above, &stats[1])
	shut(above)
	if errno != 0 || stat(dir, &stats[0]) != 0 {
		return false
	}
	return stats[0].Uid == uint32(me) && stats[0].Mode&0o077 == 0 &&
		(stats[1].Uid == uint32(me) || stats[1].Uid == 0) && (stats[1].Mode&0o022 == 0 || stats[1].Mode&syscall.S_ISVTX != 0)
}

// names reports whether a note names a root, and closes it.
//
//go:nosplit
func names(note uintptr, root *byte) bool {
	size, _, errno := syscall.RawSyscall(syscall.SYS_READ, note, uintptr(unsafe.Pointer(&marked[0])), uintptr(len(marked)-1))
	shut(note)
	if errno != 0 {
		return false
	}
	marked[size] = 0
	return is(root, unsafe.String(&marked[0], int(size)))
}

// onlyEntry leaves in marker the name of the note in the one folder that a folder
// holds; it is false where it holds another number.
//
//go:nosplit
func onlyEntry(folder uintptr) bool {
	size, _, errno := syscall.RawSyscall(syscall.SYS_GETDENTS64, folder, uintptr(unsafe.Pointer(&dirent[0])), uintptr(len(dirent)))
	if errno != 0 {
		return false
	}
	const header = int(unsafe.Offsetof(syscall.Dirent{}.Name))
	n := 0
	for at := 0; at+header < int(size); {
		e := (*syscall.Dirent)(unsafe.Pointer(&dirent[at]))
		first := (*byte)(unsafe.Pointer(&e.Name[0]))
		if at += int(e.Reclen); is(first, ".") || is(first, "..") {
			continue
		}
		length := 0
		for length < len(e.Name) && e.Name[length] != 0 {
			length++
		}
		if n > 0 || length+len("/"+record.ReadyName) >= len(marker) {
			return false
		}
		n = put(marker[:], 0, unsafe.String(first, length))
		n = put(marker[:], n, "/"+record.ReadyName)
		marker[n] = 0
	}
	return n > 0
}

// plainID returns the length of a container ID that package record takes, 0 of
// any other.
//
//go:nosplit
func plainID(p *byte) int {
	for n := 0; n <= maxID; n++ {
		switch c := *(*byte)(unsafe.Add(unsafe.Pointer(p), n)); {
		case c == 0:
			return n
		case c == '.' && n == 0:
			return 0
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '+', c == '-' && n > 0, c == '.':
		default:
			return 0
		}
	}
	return 0
}

// plainRoot returns the length of an absolute path without detours, 0 of
// anything else.
//
//go:nosplit
func plainRoot(p *byte) int {
	last := byte(0)
	for n := 0; n <= maxRoot; n++ {
		c := *(*byte)(unsafe.Add(unsafe.Pointer(p), n))
		switch {
		case n == 0 && c != '/':
			return 0
		case c == 0 && last == '/':
			return 0
		case c == 0:
			return n
		case last == '/' && (c == '/' || c == '.'):
			return 0 // also of a name that begins with a period
		}
		last = c
	}
	return 0
}

// put copies text to a place in buf, which has room for it, and returns where it
// ends.
//
//go:nosplit
func put(buf []byte, at int, text string) int {
	for i := 0; i < len(text) && at < len(buf); i++ {
		buf[at] = text[i]
		at++
	}
	return at
}
