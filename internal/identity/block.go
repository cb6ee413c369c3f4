// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"fmt"
	"strconv"
	"strings"
)

// BlockSize is how many IDs a container's own user namespace gets. Images count
// to 65534 (nobody), and the runtimes give /dev/pts to group 5.
const BlockSize = 1 << 16

// blockName is the folder of a block's claim: FIRST-LAST.
func blockName(n uint32) string {
	return Range{n * BlockSize, n*BlockSize + BlockSize - 1}.String()
}

func isBlock(folder string) bool { return strings.Contains(folder, "-") }

// parseBlock returns the number of a block by its name.
func parseBlock(name string) (uint32, error) {
	first, _, _ := strings.Cut(name, "-")
	id, err := strconv.ParseUint(first, 10, 32)
	if n := uint32(id / BlockSize); err != nil || blockName(n) != name {
		return 0, fmt.Errorf("%q is no block of %d IDs", name, BlockSize)
	}
	return uint32(id / BlockSize), nil
}

func blockIdentity(n uint32) Identity {
	return Identity{HostUID: n * BlockSize, HostGID: n * BlockSize, Block: true}
}

// block reports whether the request is for a block.
func (r Request) block() bool { return r.AsRoot && len(r.UIDs) == 0 && len(r.GIDs) == 0 }

func (r Request) kind() string {
	if r.block() {
		return "blocks of " + strconv.Itoa(BlockSize) + " IDs"
	}
	return "IDs"
}

func (r Request) remedy() string {
	if r.AsRoot && !r.block() {
		return "the engine gives containers a user namespace that they share; have it give none, and this one gets its own"
	}
	return "widen uid_range"
}

// candidates returns what can be given on request.
func (r Request) candidates() ([]segment, error) {
	switch {
	case !r.AsRoot:
		return candidates(r.Range, r.Paths, r.UIDs, r.GIDs)
	case r.block():
		return blocks(r.Range, r.Paths)
	}
	if err := checkMappings(r.UIDs, r.GIDs); err != nil {
		return nil, err
	}
	mapped := overlay(r.UIDs, r.GIDs)
	free, err := unused(r.Paths, mapped)
	if err != nil {
		return nil, err
	}
	count := func(segments []segment) (n uint64) {
		for _, s := range segments {
			n += uint64(s.size)
		}
		return n
	}
	if count(free) < count(mapped) {
		return nil, fmt.Errorf("the user namespace that the engine gives the container maps IDs to users of the host, or to IDs below %d: %w", lowest, ErrNoID)
	}
	for _, s := range free {
		if s.inside == 0 {
			s.size = 1
			return []segment{s}, nil
		}
	}
	return nil, fmt.Errorf("the user namespace that the engine gives the container has no ID 0 in both uidMappings and gidMappings: %w", ErrNoID)
}

// blocks returns the blocks of which the host uses no ID, by their numbers.
func blocks(r Range, paths Paths) ([]segment, error) {
	free, err := candidates(r, paths, nil, nil)
	if err != nil {
		return nil, err
	}
	var out []segment
	for _, s := range free {
		first := (uint64(s.uid) + BlockSize - 1) / BlockSize
		end := (uint64(s.uid) + uint64(s.size)) / BlockSize
		if first < end {
			out = append(out, segment{uid: uint32(first), size: uint32(end - first)})
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("uid range %s has no %d free IDs that begin at a multiple of that; widen uid_range: %w", r, BlockSize, ErrNoID)
	}
	return out, nil
}

// clashes reports whether some other claim holds part of what was just taken.
func (s Store) clashes(id Identity) (bool, error) {
	if !id.Block {
		for _, host := range [...]uint32{id.HostUID, id.HostGID} {
			if there, err := s.uids.Exists(blockName(host / BlockSize)); there || err != nil {
				return there, err
			}
		}
		return false, nil
	}
	names, err := s.uids.Names("")
	if err != nil {
		return false, err
	}
	for _, name := range names {
		n, err := strconv.ParseUint(name, 10, 32)
		if err == nil && uint32(n)/BlockSize == id.HostUID/BlockSize {
			return true, nil
		}
	}
	return false, nil
}
