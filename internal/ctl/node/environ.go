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

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/policy"
)

// environLimit bounds an environment: execve(2) takes up to 6 MiB, and a process
// can point prctl(2)'s PR_SET_MM_MAP at more.
const environLimit = 8 << 20

// maxName is the length up to which a variable's name is taken for one.
const maxName = 128

// environments finds out of each process which variables of its environment look
// like a credential.
func (l *Live) environments() error {
	for _, p := range l.Processes {
		names, err := credentialsOf(p.PID)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // it ended meanwhile
		}
		if err != nil {
			return err
		}
		p.Credentials = names
	}
	return nil
}

func credentialsOf(pid int) ([]string, error) {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, environLimit+1))
	if err != nil {
		return nil, err
	}
	if len(data) > environLimit {
		return nil, fmt.Errorf("%s is longer than %d bytes", f.Name(), environLimit)
	}
	// A process may have written something else there, as those do that change
	// their title: what is left of a value must not be taken for a name.
	names := slices.DeleteFunc(policy.CredentialNames(strings.Split(string(data), "\x00")), func(n string) bool { return !variable(n) })
	slices.Sort(names)
	return slices.Compact(names), nil
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
