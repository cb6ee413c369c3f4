// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"bytes"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// Paths are the files that say which IDs the host uses. An empty path is not
// read.
type Paths struct{ Passwd, Group, SubUID, SubGID string }

// HostPaths are the host's own files.
var HostPaths = Paths{Passwd: "/etc/passwd", Group: "/etc/group", SubUID: "/etc/subuid", SubGID: "/etc/subgid"}

// hostFileLimit bounds each of them: a million users.
const hostFileLimit = 64 << 20

// staticRanges are IDs with a meaning that no file says
// (https://systemd.io/UIDS-GIDS; the greeters and foreign IDs since systemd
// 258, src/basic/uid-classification.h).
var staticRanges = [...]Range{
	{0, 0},                   // root
	{60001, 60513},           // systemd-homed
	{60514, 60577},           // host users mapped into containers
	{60578, 60705},           // greeters
	{61184, 65519},           // DynamicUser=
	{65534, 65535},           // nobody, and (uid_t)-1 with 16 bits
	{524288, 1879048191},     // systemd-nspawn --private-users=pick
	{2147352576, 2147418111}, // foreign IDs
	{math.MaxUint32, math.MaxUint32},
}

// Reserved returns the IDs within the given ranges that the host uses: users
// and groups, subordinate ranges, and systemd's static ranges. Files that are
// absent name nothing.
//
// A line of passwd or group without a readable number is passed over, as libc
// does. A line of subuid or subgid that cannot be read is an error if it could
// name a range within the given ones.
func Reserved(paths Paths, within Ranges) (Ranges, error) {
	if len(within) == 0 {
		return nil, nil
	}
	out, err := used(paths, within)
	if err != nil {
		return nil, err
	}
	for _, r := range staticRanges {
		out = keep(out, r, within)
	}
	for _, path := range [...]string{paths.SubUID, paths.SubGID} {
		s := subordinates{within: within, out: out}
		if err := eachLine(path, s.line); err != nil {
			return nil, err
		}
		out = s.out
	}
	return normalize(out), nil
}

// Used returns the IDs within the given ranges that are users or groups of the
// host. These alone count where an engine was given the ranges to use, as it is
// with the mappings of a user namespace.
func Used(paths Paths, within Ranges) (Ranges, error) {
	out, err := used(paths, within)
	return normalize(out), err
}

func used(paths Paths, within Ranges) ([]Range, error) {
	a := accounts{within: within, columns: [...]bool{2: true, 3: true}}
	if err := eachLine(paths.Passwd, a.line); err != nil {
		return nil, err
	}
	a.columns[3] = false // of group, the members
	if err := eachLine(paths.Group, a.line); err != nil {
		return nil, err
	}
	return a.out, nil
}

func keep(out []Range, r Range, within Ranges) []Range {
	for _, w := range within {
		if w.overlaps(r) {
			return append(out, r)
		}
	}
	return out
}

// accounts gathers IDs from the lines of passwd(5) and group(5).
type accounts struct {
	within  Ranges
	columns [4]bool // which hold an ID
	out     []Range
}

func (a *accounts) line(line []byte, _ int) error {
	for column := 0; column < len(a.columns); column++ {
		value := line
		i := bytes.IndexByte(line, ':')
		if i >= 0 {
			value, line = line[:i], line[i+1:]
		}
		if a.columns[column] {
			if n, ok := parseID(value); ok && n <= math.MaxUint32 {
				a.out = keep(a.out, Range{uint32(n), uint32(n)}, a.within)
			}
		}
		if i < 0 {
			break
		}
	}
	return nil
}

// subordinates gathers ranges from the lines of subuid(5) and subgid(5).
type subordinates struct {
	within Ranges
	out    []Range
}

func (s *subordinates) line(line []byte, number int) error {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' {
		return nil
	}
	_, rest, _ := bytes.Cut(line, []byte{':'})
	a, b, _ := bytes.Cut(rest, []byte{':'})
	first, ok := parseID(a)
	count, cok := parseID(b)
	if !ok || !cok {
		if ok && first > uint64(s.within[len(s.within)-1].Last) {
			return nil // begins above all that is asked for
		}
		return fmt.Errorf("line %d is not NAME:FIRST:COUNT, and could name IDs in use: %.80q", number, line)
	}
	if count == 0 || first > math.MaxUint32 {
		return nil
	}
	last := first + min(count-1, math.MaxUint32)
	s.out = keep(s.out, Range{uint32(first), uint32(min(last, math.MaxUint32))}, s.within)
	return nil
}

// parseID reads a decimal number of at most 19 digits that fills the field.
func parseID(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// eachLine calls line for each line of a file, numbered from 1.
func eachLine(path string, line func(line []byte, number int) error) error {
	if path == "" {
		return nil
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fmt.Errorf("%s is not a regular file", path)
	}
	buf := make([]byte, min(max(st.Size+1, 512), 64<<10))
	have, number := 0, 0
	for total := 0; ; {
		n, err := unix.Read(fd, buf[have:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return &os.PathError{Op: "read", Path: path, Err: err}
		}
		if total += n; total > hostFileLimit {
			return fmt.Errorf("%s is larger than %d bytes", path, hostFileLimit)
		}
		rest := buf[:have+n]
		for {
			i := bytes.IndexByte(rest, '\n')
			if i < 0 && n == 0 {
				i = len(rest) // the last line may lack its newline
			}
			if i < 0 || len(rest) == 0 {
				break
			}
			number++
			if err := line(rest[:i], number); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			rest = rest[min(i+1, len(rest)):]
		}
		if n == 0 {
			return nil
		}
		if have = copy(buf, rest); have == len(buf) {
			buf = append(buf, make([]byte, len(buf))...) // a line longer than all before
		}
	}
}
