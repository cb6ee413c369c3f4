// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"slices"
	"syscall"
)

// Owner says whose files become the container's: those that UID and GID own on
// disk are shown as ToUID's and ToGID's, and what these make is UID's and GID's
// on disk. Other owners are shown as IDs says, or stay who they are.
type Owner struct {
	UID, GID     uint32 // on disk
	ToUID, ToGID uint32 // on the host
	// IDs is what becomes of other owners where the container has a user
	// namespace; nil without one. Owners with equal IDs share the pointer.
	IDs *IDs
}

// IDs are lines of a mapping from owners on disk to the host's IDs.
type IDs struct{ UIDs, GIDs []Mapping }

func (o Owner) uids() []Mapping {
	if o.IDs == nil {
		return nil
	}
	return o.IDs.UIDs
}

func (o Owner) gids() []Mapping {
	if o.IDs == nil {
		return nil
	}
	return o.IDs.GIDs
}

// Mapping shows Size IDs from Disk on as those from Shown on.
type Mapping struct{ Disk, Shown, Size uint32 }

// allIDs is how many there are: the last one stands for none
// (user_namespaces(7)).
const allIDs = 1<<32 - 1

// mapping returns a bijection that shows onDisk as shown, others by the given
// lines where these leave room, and the rest as they are, but for those that
// are shown in another's place. Nobody owns these on disk.
func mapping(onDisk, shown uint32, lines []Mapping) []syscall.SysProcIDMap {
	out := []Mapping{{onDisk, shown, 1}}
	for _, l := range append(slices.Clone(lines), Mapping{0, 0, allIDs}) {
		out = append(out, clear(l, out)...)
	}
	slices.SortFunc(out, func(a, b Mapping) int { return int(int64(a.Disk) - int64(b.Disk)) })
	m := make([]syscall.SysProcIDMap, len(out))
	for i, l := range out {
		m[i] = syscall.SysProcIDMap{ContainerID: int(l.Disk), HostID: int(l.Shown), Size: int(l.Size)}
	}
	return m
}

// clear returns what is left of a line beside others, on either side of them.
func clear(l Mapping, others []Mapping) []Mapping {
	left := []Mapping{l}
	for _, o := range others {
		var next []Mapping
		for _, l := range left {
			for _, l := range cut(l, l.Disk, o.Disk, o.Size) {
				next = append(next, cut(l, l.Shown, o.Shown, o.Size)...)
			}
		}
		left = next
	}
	return left
}

// cut takes size IDs from first on out of a line that, on that side, begins at
// start.
func cut(l Mapping, start, first, size uint32) []Mapping {
	from := max(int64(first)-int64(start), 0)
	to := min(int64(first)+int64(size)-int64(start), int64(l.Size))
	if from >= to {
		return []Mapping{l}
	}
	var out []Mapping
	if from > 0 {
		out = append(out, Mapping{l.Disk, l.Shown, uint32(from)})
	}
	if to < int64(l.Size) {
		out = append(out, Mapping{l.Disk + uint32(to), l.Shown + uint32(to), uint32(int64(l.Size) - to)})
	}
	return out
}
