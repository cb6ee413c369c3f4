// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/policy"
)

// environLimit bounds an environment: execve(2) takes up to 6 MiB, and a process
// can point prctl(2)'s PR_SET_MM_MAP at more.
const environLimit = 8 << 20

// execWait is for how long a process is thought to be in execve(2).
const execWait = 50 * time.Millisecond

// maxName is the length up to which a variable's name is taken for one.
const maxName = 128

// environments finds out of each process which variables of its environment look
// like a credential.
//
// The environment is empty while a process is in execve(2), from when its new
// memory is in place until the variables are copied there (environ_read in
// fs/proc/base.c): where it is, it is read once more after a moment.
func (l *Live) environments() error {
	empty, err := credentials(l.Processes)
	if err != nil || len(empty) == 0 {
		return err
	}
	time.Sleep(execWait)
	_, err = credentials(empty)
	return err
}

// credentials fills in those of some processes, and returns those whose
// environment is empty.
func credentials(processes []*Status) (empty []*Status, err error) {
	for _, p := range processes {
		if p.Zombie {
			continue // its memory is gone
		}
		env, err := environ(p.PID)
		switch {
		case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ESRCH):
			continue // it ended meanwhile
		case err != nil:
			return nil, err
		case len(env) == 0:
			empty = append(empty, p)
		}
		p.Credentials = credentialNames(env)
	}
	return empty, nil
}

func environ(pid int) ([]byte, error) {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, environLimit+1))
	if err == nil && len(data) > environLimit {
		err = fmt.Errorf("%s is longer than %d bytes", f.Name(), environLimit)
	}
	return data, err
}

// credentialNames returns the names in an environment, once and in order. A
// process may have written something else there, as those do that change their
// title: what is left of a value must not be taken for a name.
func credentialNames(env []byte) []string {
	names := slices.DeleteFunc(policy.CredentialNames(strings.Split(string(env), "\x00")), func(n string) bool { return !variable(n) })
	slices.Sort(names)
	return slices.Compact(names)
}

// variable reports whether a name is one that a shell takes (POSIX, XBD 8.1).
func variable(name string) bool {
	if name == "" || len(name) > maxName || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	for _, b := range []byte(name) {
		if b != '_' && (b < '0' || b > '9') && (b < 'A' || b > 'Z') && (b < 'a' || b > 'z') {
			return false
		}
	}
	return true
}
