// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Process names a process for good: its pid, and the clock tick since boot in
// which it started (field 22 of /proc/PID/stat, proc_pid_stat(5)). execve(2)
// changes neither, not even when a thread other than the first calls it
// (de_thread in fs/exec.c gives it the first one's pid and start time).
type Process struct {
	PID   int
	Start uint64
}

// Self returns the calling process.
func Self() (Process, error) {
	pid := unix.Getpid()
	start, err := startTime(pid)
	if err != nil {
		return Process{}, err
	}
	return Process{PID: pid, Start: start}, nil
}

// Alive reports whether the process still exists; a zombie does. What cannot be
// found out counts as alive.
func (p Process) Alive() (bool, error) {
	start, err := startTime(p.PID)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ESRCH):
		return false, nil
	case err != nil:
		return true, err
	}
	return start == p.Start, nil
}

func startTime(pid int) (uint64, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/stat"
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	// Fifty-two numbers and a name of at most 64 bytes.
	buf := make([]byte, 2048)
	n, err := unix.Read(fd, buf)
	if err != nil {
		return 0, &os.PathError{Op: "read", Path: path, Err: err}
	}
	start, ok := parseStart(buf[:n])
	if !ok {
		return 0, fmt.Errorf("read %s: no start time in %q", path, buf[:n])
	}
	return start, nil
}

// parseStart finds field 22. The name, field 2, is in parentheses and may hold
// spaces and parentheses itself, so counting begins after the last one.
func parseStart(stat []byte) (uint64, bool) {
	i := bytes.LastIndexByte(stat, ')')
	if i < 0 {
		return 0, false
	}
	rest := stat[i+1:]
	for field := 3; ; field++ {
		rest = bytes.TrimLeft(rest, " ")
		value := rest
		if j := bytes.IndexByte(rest, ' '); j >= 0 {
			value, rest = rest[:j], rest[j:]
		} else {
			rest = nil
		}
		if field == 22 {
			n, err := strconv.ParseUint(string(value), 10, 64)
			return n, err == nil
		}
		if rest == nil {
			return 0, false
		}
	}
}
