// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Status is what /proc/PID/status says of a process (proc_pid_status(5)), and
// what its environment gives away. IDs are as seen from here.
type Status struct {
	PID           int
	Name          string
	UID, GID      [4]uint32 // real, effective, saved, filesystem
	Groups        []uint32
	Inheritable   uint64
	Permitted     uint64
	Effective     uint64
	Bounding      uint64
	Ambient       uint64
	NoNewPrivs    bool
	Seccomp       int // 0 off, 1 strict, 2 filter
	SeccompFilter int // number of filters, -1 where the kernel does not say (before Linux 5.9)
	Zombie        bool
	// Credentials are the names of those variables of its environment that look
	// like a credential; Live fills them in.
	Credentials []string
}

func readStatus(pid int) (*Status, error) {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := &Status{PID: pid, SeccompFilter: -1}
	seen := 0
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		key, value, _ := strings.Cut(sc.Text(), ":")
		value = strings.TrimSpace(value)
		var err error
		seen++
		switch key {
		case "Name":
			s.Name = value
		case "State":
			s.Zombie = strings.HasPrefix(value, "Z") || strings.HasPrefix(value, "X")
		case "Uid":
			err = ids(value, s.UID[:])
		case "Gid":
			err = ids(value, s.GID[:])
		case "Groups":
			fields := strings.Fields(value)
			s.Groups = make([]uint32, len(fields))
			err = ids(value, s.Groups)
		case "CapInh":
			s.Inheritable, err = strconv.ParseUint(value, 16, 64)
		case "CapPrm":
			s.Permitted, err = strconv.ParseUint(value, 16, 64)
		case "CapEff":
			s.Effective, err = strconv.ParseUint(value, 16, 64)
		case "CapBnd":
			s.Bounding, err = strconv.ParseUint(value, 16, 64)
		case "CapAmb":
			s.Ambient, err = strconv.ParseUint(value, 16, 64)
		case "NoNewPrivs":
			s.NoNewPrivs = value == "1"
		case "Seccomp":
			s.Seccomp, err = strconv.Atoi(value)
		case "Seccomp_filters":
			s.SeccompFilter, err = strconv.Atoi(value)
		default:
			seen--
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", f.Name(), key, err)
		}
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	if seen < 12 {
		return nil, fmt.Errorf("%s has only %d of the fields that are needed", f.Name(), seen)
	}
	return s, nil
}

func ids(value string, into []uint32) error {
	fields := strings.Fields(value)
	if len(fields) != len(into) {
		return fmt.Errorf("%d IDs in %q", len(fields), value)
	}
	for i, f := range fields {
		n, err := strconv.ParseUint(f, 10, 32)
		if err != nil {
			return err
		}
		into[i] = uint32(n)
	}
	return nil
}

// Capabilities is the union of all five sets.
func (s *Status) Capabilities() uint64 {
	return s.Inheritable | s.Permitted | s.Effective | s.Bounding | s.Ambient
}
