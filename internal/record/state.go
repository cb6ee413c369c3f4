// SPDX-License-Identifier: Apache-2.0

package record

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sys/unix"
)

// ErrNotRunning is wrapped by ContainerPID for a container without a first
// process.
var ErrNotRunning = errors.New("the container has no running process")

// StateExists reports whether a runtime has state for a container: a folder
// <root>/<id>. Doubt counts as state.
//
// It is the folder that counts, not the file in it (runc: state.json, crun:
// status), because it is there longer. Both runtimes make it in the very
// process that was called, before anything of the container exists: runc in
// libcontainer.Create (1.1: LinuxFactory.Create), crun in
// libcrun_status_check_directories before it forks. Both write the file later:
// runc at procReady, after the hooks. And both remove the folder last, when the
// cgroup is empty. So a creator killed halfway leaves a folder without a file,
// next to a first process that may still be there; `delete --force` clears it.
func StateExists(flavor, root, id string) (bool, error) {
	switch flavor {
	case "runc", "crun":
	default:
		return true, fmt.Errorf("runtime flavor %q is unknown", flavor)
	}
	path := root + "/" + id
	var st unix.Stat_t
	switch err := unix.Lstat(path, &st); err {
	case nil:
		return true, nil
	case unix.ENOENT:
		return false, nil
	default:
		return true, &os.PathError{Op: "stat", Path: path, Err: err}
	}
}

// Alive reports whether the container exists, or is still being created. Doubt
// counts as alive and comes with an error that says why.
//
// The creator is asked first: had it gone before that, its state would be there
// by now, or never. Asked the other way round, a state written between the two
// questions would be missed.
func (r *Record) Alive() (bool, error) {
	if alive, err := r.Creator().Alive(); alive {
		return true, err
	}
	return StateExists(r.Flavor, r.Root, r.ID)
}

// stateLimit bounds how much of a runtime's state is read: runc's holds the
// whole configuration, environment included.
const stateLimit = 16 << 20

// ContainerPID returns the container's first process, checked to be the one
// that the runtime started: its start time has to be that of the state.
//
// runc (1.1 to 1.5) writes init_process_pid and init_process_start to
// <root>/<id>/state.json (libcontainer BaseState); crun writes pid and
// process-start-time to <root>/<id>/status (crun's status.c). Both replace the
// file by rename(2) and take the start time from field 22 of /proc/PID/stat.
func ContainerPID(r Record) (Process, error) {
	file, pid, start := "state.json", "init_process_pid", "init_process_start"
	switch r.Flavor {
	case "runc":
	case "crun":
		file, pid, start = "status", "pid", "process-start-time"
	default:
		return Process{}, fmt.Errorf("runtime flavor %q is unknown", r.Flavor)
	}
	path := r.Root + "/" + r.ID + "/" + file
	p, err := readProcess(path, pid, start)
	if err != nil {
		return Process{}, fmt.Errorf("state of container %s: %w", r.ID, err)
	}
	if p.PID <= 0 || p.Start == 0 {
		return Process{}, fmt.Errorf("%s names process %d started at %d: %w", path, p.PID, p.Start, ErrNotRunning)
	}
	alive, err := p.Alive()
	if err != nil {
		return Process{}, err
	}
	if !alive {
		return Process{}, fmt.Errorf("process %d of container %s is gone: %w", p.PID, r.ID, ErrNotRunning)
	}
	return p, nil
}

// readProcess reads two numbers at the top level of a JSON object, and stops
// when it has both: runc writes them near the beginning.
func readProcess(path, pid, start string) (Process, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return Process{}, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Process{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return Process{}, fmt.Errorf("%s is not a regular file", path)
	}
	var p Process
	found := 0
	d := decoder{jsontext.NewDecoder(&boundedFile{fd: fd, path: path, left: stateLimit})}
	err = d.object(func(name string) error {
		var err error
		switch name {
		case pid:
			err = d.scalar(&p.PID)
			found++
		case start:
			err = d.scalar(&p.Start)
			found++
		default:
			err = d.dec.SkipValue()
		}
		if err == nil && found == 2 {
			err = errFound
		}
		return err
	})
	switch {
	case errors.Is(err, errFound):
		return p, nil
	case err != nil:
		return Process{}, fmt.Errorf("%s: %w", path, err)
	}
	return Process{}, fmt.Errorf("%s has no %s and %s", path, pid, start)
}

// errFound ends a reading that has what it came for.
var errFound = errors.New("found")

// boundedFile reads at most left bytes, then fails.
type boundedFile struct {
	fd   int
	path string
	left int
}

func (f *boundedFile) Read(b []byte) (int, error) {
	if f.left <= 0 {
		return 0, fmt.Errorf("%s is larger than %d bytes", f.path, stateLimit)
	}
	for {
		n, err := unix.Read(f.fd, b[:min(len(b), f.left)])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, &os.PathError{Op: "read", Path: f.path, Err: err}
		case n == 0:
			return 0, io.EOF
		}
		f.left -= n
		return n, nil
	}
}
