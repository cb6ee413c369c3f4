// SPDX-License-Identifier: Apache-2.0

package record

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
)

// maxID is the longest container ID that is taken. Engines use up to 76 bytes
// (containerd's identifiers); the runtimes themselves set no limit.
const maxID = 200

// maxRoot keeps the text of a link below PATH_MAX.
const maxRoot = 3072

// Key names the container in file names: readable by its ID, unique by a hash
// of the root. Records carry root and ID in full and are compared with them, so
// that two roots with one hash end in an error, never in a mix-up.
func Key(root, id string) string { return id + "." + hash(root) }

// Creation names one attempt by the given process to create a container.
func Creation(p Process, root, id string) string {
	return strconv.Itoa(p.PID) + "." + strconv.FormatUint(p.Start, 10) + "." + hash(root+"\x00"+id)
}

// Creator returns the process that a creation is named after.
func Creator(creation string) (Process, error) {
	pid, rest, _ := strings.Cut(creation, ".")
	start, sum, _ := strings.Cut(rest, ".")
	p, err := strconv.Atoi(pid)
	s, serr := strconv.ParseUint(start, 10, 64)
	if err := errors.Join(err, serr); err != nil || p <= 0 || len(sum) != 16 {
		return Process{}, fmt.Errorf("%q does not name a creation", creation)
	}
	return Process{PID: p, Start: s}, nil
}

// CheckID accepts the IDs that runc and crun accept (validateID in
// libcontainer/factory_linux.go, validate_id in crun's status.c; a leading
// period, which only runc takes, is kept for names of runclad's own).
func CheckID(id string) error {
	if id == "" || len(id) > maxID || id[0] == '.' {
		return fmt.Errorf("container ID %q: want 1 to %d bytes, the first of them not a period", id, maxID)
	}
	for i := range len(id) {
		c := id[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '_', c == '+', c == '-', c == '.':
		default:
			return fmt.Errorf("container ID %q: want ASCII letters, digits, and the characters _ + . - only", id)
		}
	}
	return nil
}

// CheckRoot accepts an absolute path without detours as a runtime's root.
func CheckRoot(root string) error {
	if !filepath.IsAbs(root) || filepath.Clean(root) != root || len(root) > maxRoot || strings.IndexByte(root, 0) >= 0 {
		return fmt.Errorf("runtime root %q: want a clean absolute path of at most %d bytes", root, maxRoot)
	}
	return nil
}

// CheckProcess accepts what Creation can write.
func CheckProcess(p Process) error {
	if p.PID <= 0 || p.Start > math.MaxInt64 {
		return fmt.Errorf("process %d started at %d: out of range", p.PID, p.Start)
	}
	return nil
}

// hash is [Sum] in 16 hex digits.
func hash(s string) string {
	h := Sum(s)
	const digits = "0123456789abcdef"
	var out [16]byte
	for i := range out {
		out[i] = digits[h>>(60-4*i)&15]
	}
	return string(out[:])
}

// Sum is FNV-1a with 64 bits. It keeps names apart that nobody chose to collide;
// package crypto would cost start-up time. Package prelude calls it before Go has
// started.
//
//go:nosplit
func Sum(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
