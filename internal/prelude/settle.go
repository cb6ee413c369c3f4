// SPDX-License-Identifier: Apache-2.0

package prelude

import (
	"syscall"
	"unsafe"
)

// settings tell Go's runtime that the program does one thing after the other and
// is soon gone: no threads for what could run at the same time, and no garbage
// collection before memory for many a document is used (package runtime,
// "Environment Variables"). It saves a twentieth of Go's start, and the collection
// that a create would otherwise make. The real runtime is not given them.
var settings = [...]name{"GOMAXPROCS=1\x00", "GOGC=off\x00", "GOMEMLIMIT=128MiB\x00"}

// environ is the environment as the kernel laid it out, nil if Go started first.
var environ unsafe.Pointer // of **byte

// settle puts settings before the environment, which follows argv: argc and argv
// move down by as many words. The first of two variables of one name counts.
//
//go:nosplit
func settle(start unsafe.Pointer, argc int) unsafe.Pointer {
	moved := unsafe.Add(start, -len(settings)*int(word))
	at := func(i int) *uintptr { return (*uintptr)(unsafe.Add(moved, uintptr(i)*word)) }
	size := argc + 2 // argc itself, argv, and the nil
	for i := 0; i < size; i++ {
		*at(i) = *at(i + len(settings))
	}
	for i := 0; i < len(settings); i++ {
		*at(size + i) = pointer(settings[i])
	}
	return moved
}

// Environ returns the environment that the program was given.
func Environ() []string {
	if environ == nil {
		return syscall.Environ()
	}
	var out []string
	for i := 0; ; i++ {
		p := *(**byte)(unsafe.Add(environ, uintptr(i)*word))
		if p == nil {
			return out
		}
		n := 0
		for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
			n++
		}
		out = append(out, string(unsafe.Slice(p, n)))
	}
}
