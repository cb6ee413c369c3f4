// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"golang.org/x/sys/unix"
)

// Mapping is one line of a user namespace's uid_map or gid_map
// (user_namespaces(7)): Size IDs from Inside on are those from Host on.
type Mapping struct{ Inside, Host, Size uint32 }

// ErrNoID is wrapped where no ID is left to give.
var ErrNoID = errors.New("no user ID is available")

// segment is a run of IDs that a container can be given, in its three views.
type segment struct {
	inside, uid, gid uint32 // the first: in the container, and on the host
	size             uint32
}

func (s segment) at(i uint32) Identity {
	return Identity{UID: s.inside + i, GID: s.inside + i, HostUID: s.uid + i, HostGID: s.gid + i}
}

// candidates returns the IDs to choose from, as segments.
//
// Without a user namespace these are the IDs of r that the host does not use.
// With one they are those that both uids and gids map, to host IDs above 10000
// that are nobody's; if possible above 10000 inside as well, and in no case 0.
func candidates(r Range, paths Paths, uids, gids []Mapping) ([]segment, error) {
	if len(uids) == 0 && len(gids) == 0 {
		r.First = max(r.First, lowest)
		if r.First > r.Last {
			return nil, fmt.Errorf("uid range %s ends below %d: %w", r, lowest, ErrNoID)
		}
		reserved, err := Reserved(paths, Ranges{r})
		if err != nil {
			return nil, err
		}
		all := []segment{{r.First, r.First, r.First, r.Last - r.First + 1}}
		free := without(all, reserved, func(s segment) uint32 { return s.inside })
		if len(free) == 0 {
			return nil, fmt.Errorf("every ID of uid range %s belongs to a user, a subordinate range or systemd: %w", r, ErrNoID)
		}
		return free, nil
	}
	if err := checkMappings(uids, gids); err != nil {
		return nil, err
	}
	below := Ranges{{0, lowest - 1}}
	nobody := Ranges{{0, 0}, {65534, 65535}, {math.MaxUint32, math.MaxUint32}}
	inside := func(s segment) uint32 { return s.inside }
	free, err := unused(paths, overlay(uids, gids))
	if err != nil {
		return nil, err
	}
	free = without(free, nobody, inside)
	if high := without(free, below, inside); len(high) > 0 {
		return high, nil
	}
	if len(free) == 0 {
		return nil, fmt.Errorf("the user namespace maps no ID, other than 0 and 65534, to a free host ID above 10000 in both uidMappings and gidMappings: %w", ErrNoID)
	}
	return free, nil
}

// unused cuts out of segments what is on the host below 10001 or a user's.
func unused(paths Paths, segments []segment) ([]segment, error) {
	uid, gid := func(s segment) uint32 { return s.uid }, func(s segment) uint32 { return s.gid }
	below := Ranges{{0, lowest - 1}}
	free := without(without(segments, below, uid), below, gid)
	var hosts []Range
	for _, s := range free {
		hosts = append(hosts, Range{s.uid, s.uid + s.size - 1}, Range{s.gid, s.gid + s.size - 1})
	}
	taken, err := Used(paths, normalize(hosts))
	if err != nil {
		return nil, err
	}
	taken = normalize(append(taken, Range{math.MaxUint32, math.MaxUint32}))
	return without(without(free, taken, uid), taken, gid), nil
}

func checkMappings(lists ...[]Mapping) error {
	for _, list := range lists {
		for _, m := range list {
			if m.Size == 0 || uint64(m.Inside)+uint64(m.Size) > 1<<32 || uint64(m.Host)+uint64(m.Size) > 1<<32 {
				return fmt.Errorf("mapping of %d IDs from %d on to %d: empty, or past the last ID", m.Size, m.Inside, m.Host)
			}
		}
	}
	return nil
}

// overlay returns the runs of IDs that are mapped by a line of each list.
func overlay(uids, gids []Mapping) []segment {
	var out []segment
	for _, u := range uids {
		for _, g := range gids {
			first := max(u.Inside, g.Inside)
			end := min(uint64(u.Inside)+uint64(u.Size), uint64(g.Inside)+uint64(g.Size))
			if uint64(first) < end {
				out = append(out, segment{first, u.Host + (first - u.Inside), g.Host + (first - g.Inside), uint32(end - uint64(first))})
			}
		}
	}
	return out
}

// without cuts the IDs in rs, as seen in the given view, out of the segments.
func without(segments []segment, rs Ranges, view func(segment) uint32) []segment {
	var out []segment
	for _, s := range segments {
		for _, r := range rs {
			first := uint64(view(s))
			end := first + uint64(s.size)
			if uint64(r.Last) < first || uint64(r.First) >= end {
				continue
			}
			if before := uint64(r.First); before > first {
				out = append(out, segment{s.inside, s.uid, s.gid, uint32(before - first)})
			}
			if uint64(r.Last)+1 >= end {
				s.size = 0
				break
			}
			skip := uint32(uint64(r.Last) + 1 - first)
			s = segment{s.inside + skip, s.uid + skip, s.gid + skip, s.size - skip}
		}
		if s.size > 0 {
			out = append(out, s)
		}
	}
	return out
}

// join returns the identity that a container with the given mappings has under
// a pod's host IDs; asRoot allows it to be root inside.
func join(hostUID, hostGID uint32, uids, gids []Mapping, asRoot bool) (Identity, error) {
	if len(uids) == 0 && len(gids) == 0 {
		if hostUID != hostGID {
			return Identity{}, fmt.Errorf("the pod has host UID %d and GID %d, which the container's user namespace is not there to tell apart", hostUID, hostGID)
		}
		return Identity{UID: hostUID, GID: hostGID, HostUID: hostUID, HostGID: hostGID}, nil
	}
	if err := checkMappings(uids, gids); err != nil {
		return Identity{}, err
	}
	for _, s := range overlay(uids, gids) {
		if i := hostUID - s.uid; hostUID >= s.uid && i < s.size && s.gid+i == hostGID && (s.inside+i == 0) == asRoot {
			return s.at(i), nil
		}
	}
	return Identity{}, fmt.Errorf("the container's uidMappings and gidMappings do not both hold the ID of its pod, %d:%d on the host", hostUID, hostGID)
}

// pick is an endless supply of random IDs, or blocks, out of segments.
type pick struct {
	segments []segment
	total    uint64
	blocks   bool // the segments are runs of blocks, numbered
}

func newPick(segments []segment) pick {
	p := pick{segments: segments}
	for _, s := range segments {
		p.total += uint64(s.size)
	}
	return p
}

// random returns an ID. Taking the high half of a 64-bit random number times
// the total prefers no ID by more than 2^-32.
func (p pick) random() (Identity, error) {
	n, err := random64()
	if err != nil {
		return Identity{}, err
	}
	i, _ := bits.Mul64(n, p.total)
	return p.nth(i), nil
}

func (p pick) nth(i uint64) Identity {
	for _, s := range p.segments {
		if i < uint64(s.size) {
			if p.blocks {
				return blockIdentity(s.uid + uint32(i))
			}
			return s.at(uint32(i))
		}
		i -= uint64(s.size)
	}
	panic("identity: no such candidate")
}

func random64() (uint64, error) {
	var b [8]byte
	for {
		n, err := unix.Getrandom(b[:], 0)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, fmt.Errorf("getrandom: %w", err)
		case n == len(b):
			return binary.NativeEndian.Uint64(b[:]), nil
		}
	}
}
