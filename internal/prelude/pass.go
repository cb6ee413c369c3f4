// SPDX-License-Identifier: Apache-2.0

package prelude

import (
	"syscall"
	"unsafe"
)

const word = unsafe.Sizeof(uintptr(0))

// words are argv as the kernel laid it out.
type words struct {
	argc int
	argv unsafe.Pointer // of **byte
}

//go:nosplit
func (w words) at(i int) *byte {
	return *(**byte)(unsafe.Add(w.argv, uintptr(i)*word))
}

// passThrough becomes the real runtime if argv says that the command is not one
// of runclad's. It returns where that is in doubt, or where anything goes wrong;
// what is to be said about it is said later. start is the stack pointer with
// which the kernel starts a program; Go is to start with the one returned.
//
//go:nosplit
func passThrough(start unsafe.Pointer) unsafe.Pointer {
	w := words{*(*int)(start), unsafe.Add(start, word)}
	environ = unsafe.Add(w.argv, uintptr(w.argc+1)*word)
	if w.argc < 2 || !passed(w) {
		return settle(start, w.argc)
	}
	if what, _ := find(); what != none {
		return start
	}
	own := w.at(0)
	argv0 := (**byte)(w.argv)
	*argv0 = &found[base()]
	_, _, _ = syscall.RawSyscall(syscall.SYS_EXECVE, uintptr(unsafe.Pointer(&found[0])), uintptr(w.argv), uintptr(environ))
	*argv0 = own
	return start
}

var _ = passThrough // called by entry

// passed reports whether the command is one that runclad hands off unread, or a
// start for which nothing is left to be done. It goes by the most common
// spellings only: package argv knows them all. The flags are those that runc and
// crun read in the same way.
//
//go:nosplit
func passed(w words) bool {
	var root *byte
	for i := 1; i < w.argc; i++ {
		switch p := w.at(i); {
		case is(p, "--root"):
			if root != nil {
				return false // the guarded commands take it once
			}
			i++
			root = w.at(i) // nil at the end
		case is(p, "--log"), is(p, "--log-format"):
			i++ // whatever stands there is the value
		case is(p, "--systemd-cgroup"):
		case is(p, "start"):
			return root != nil && i+2 == w.argc && ready(root, w.at(i+1))
		default:
			return is(p, "state") || is(p, "kill") || is(p, "delete") || is(p, "ps") || is(p, "pause") ||
				is(p, "resume") || is(p, "update") || is(p, "events") || is(p, "list")
		}
	}
	return false
}

// is compares a C string.
//
//go:nosplit
func is(p *byte, s string) bool {
	for i := 0; i < len(s); i++ {
		if *(*byte)(unsafe.Add(unsafe.Pointer(p), i)) != s[i] {
			return false
		}
	}
	return *(*byte)(unsafe.Add(unsafe.Pointer(p), len(s))) == 0
}
