// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Report is what a process sees of itself.
type Report struct {
	UID, EUID, GID, EGID int
	Groups               []int
	// Caps holds the five sets as /proc/self/status prints them, by "Inh",
	// "Prm", "Eff", "Bnd" and "Amb".
	Caps map[string]string
	// NoNewPrivs, Seccomp (the mode) and Filters come from /proc/self/status.
	NoNewPrivs, Seccomp, Filters int
	// User and Group are the names of EUID and EGID in /etc/passwd and
	// /etc/group, "" where there is none.
	User, Group string
	// Home is the environment's HOME, and HomeWrite what creating a file in
	// it gave.
	Home, HomeWrite string
	// Writes tells what creating a file in each of [Dirs] gave: "ok" or the
	// name of the errno.
	Writes map[string]string
	// Mounts holds the mount options of every mount point.
	Mounts map[string]string
	// Limits are soft and hard RLIMIT_CORE.
	CoreSoft, CoreHard uint64
	// Reach tells what each attempt on the metadata endpoints gave; see
	// [Attempts].
	Reach map[string]Reached `json:",omitempty"`
}

// Dirs are the directories a report tries to write in.
var Dirs = []string{"/", "/etc", "/usr", "/bin", "/root", "/tmp", "/var/tmp", "/run", "/var/run", "/dev/shm", "/dev"}

// Collect makes the report of the calling process; network says whether to try
// the metadata endpoints too.
func Collect(network bool) (*Report, error) {
	r := &Report{
		UID: os.Getuid(), EUID: os.Geteuid(), GID: os.Getgid(), EGID: os.Getegid(),
		Home: os.Getenv("HOME"),
		Caps: map[string]string{}, Writes: map[string]string{}, Mounts: map[string]string{},
	}
	var err error
	if r.Groups, err = os.Getgroups(); err != nil {
		return nil, err
	}
	if err := r.status(); err != nil {
		return nil, err
	}
	if err := r.mounts(); err != nil {
		return nil, err
	}
	r.User = lookup("/etc/passwd", r.EUID)
	r.Group = lookup("/etc/group", r.EGID)
	for _, d := range Dirs {
		r.Writes[d] = tryWrite(d)
	}
	r.HomeWrite = tryWrite(r.Home)
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &lim); err != nil {
		return nil, err
	}
	r.CoreSoft, r.CoreHard = lim.Cur, lim.Max
	if network {
		r.Reach = reach()
	}
	return r, nil
}

func (r *Report) status() error {
	return lines("/proc/self/status", func(line string) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if set, ok := strings.CutPrefix(key, "Cap"); ok {
			r.Caps[set] = value
			return
		}
		n, _ := strconv.Atoi(value)
		switch key {
		case "NoNewPrivs":
			r.NoNewPrivs = n
		case "Seccomp":
			r.Seccomp = n
		case "Seccomp_filters":
			r.Filters = n
		}
	})
}

func (r *Report) mounts() error {
	return lines("/proc/self/mountinfo", func(line string) {
		left, right, _ := strings.Cut(line, " - ")
		l, fs := strings.Fields(left), strings.Fields(right)
		if len(l) > 5 && len(fs) > 2 {
			r.Mounts[l[4]] = l[5] + "," + fs[0] + "," + fs[2]
		}
	})
}

func lines(file string, each func(string)) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		each(s.Text())
	}
	return s.Err()
}

// lookup finds the name of an ID in a file of colon-separated entries with the
// ID in the third field, as passwd(5) and group(5) have it.
func lookup(file string, id int) (name string) {
	_ = lines(file, func(line string) {
		f := strings.Split(line, ":")
		if len(f) > 2 && f[2] == strconv.Itoa(id) && name == "" {
			name = f[0]
		}
	})
	return name
}

func tryWrite(dir string) string {
	if dir == "" {
		return "unset"
	}
	name := filepath.Join(dir, ".probe-"+strconv.Itoa(os.Getpid()))
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return errnoName(err)
	}
	defer os.Remove(name)
	if _, err := f.WriteString("x"); err != nil {
		return errnoName(errors.Join(err, f.Close()))
	}
	if err := f.Close(); err != nil {
		return errnoName(err)
	}
	return "ok"
}

func errnoName(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if n := unix.ErrnoName(errno); n != "" {
			return n
		}
	}
	return err.Error()
}
