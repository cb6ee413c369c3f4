// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/identity"
	"github.com/runclad/runclad/internal/spec"
)

// IDs are the mappings of a container's user namespace; empty without one.
type IDs struct{ UIDs, GIDs []identity.Mapping }

// idsOf reads uidMappings and gidMappings of linux, or of a mount.
func idsOf(v *spec.Value) (IDs, error) {
	uids, err := mappings(v, "uidMappings")
	if err != nil {
		return IDs{}, err
	}
	gids, err := mappings(v, "gidMappings")
	return IDs{uids, gids}, err
}

// MountIDs are the mappings that a mount of the spec asks the runtime for.
func MountIDs(m *spec.Value) (IDs, error) { return idsOf(m) }

func mappings(v *spec.Value, name string) ([]identity.Mapping, error) {
	var out []identity.Mapping
	for _, m := range v.Get(name).Elems() {
		var n [3]uint32
		for i, key := range [...]string{"containerID", "hostID", "size"} {
			v, ok := m.Get(key).Int64()
			if !ok || v < 0 || v > 1<<32-1 {
				return nil, fmt.Errorf("%s: %s is %s", name, key, m.Get(key))
			}
			n[i] = uint32(v)
		}
		out = append(out, identity.Mapping{Inside: n[0], Host: n[1], Size: n[2]})
	}
	return out, nil
}

// Inside returns what a user and a group of the host are in the container; false
// if one of them is nobody there. Without a user namespace they are the same.
func (ids IDs) Inside(uid, gid uint32) (uint32, uint32, bool) {
	if len(ids.UIDs) == 0 && len(ids.GIDs) == 0 {
		return uid, gid, true
	}
	u, ok := translate(ids.UIDs, uid, func(m identity.Mapping) (from, to uint32) { return m.Host, m.Inside })
	g, gok := translate(ids.GIDs, gid, func(m identity.Mapping) (from, to uint32) { return m.Host, m.Inside })
	return u, g, ok && gok
}

// Host is the reverse of Inside.
func (ids IDs) Host(uid, gid uint32) (uint32, uint32, bool) {
	if len(ids.UIDs) == 0 && len(ids.GIDs) == 0 {
		return uid, gid, true
	}
	u, ok := translate(ids.UIDs, uid, func(m identity.Mapping) (from, to uint32) { return m.Inside, m.Host })
	g, gok := translate(ids.GIDs, gid, func(m identity.Mapping) (from, to uint32) { return m.Inside, m.Host })
	return u, g, ok && gok
}

func translate(lines []identity.Mapping, id uint32, sides func(identity.Mapping) (from, to uint32)) (uint32, bool) {
	for _, m := range lines {
		from, to := sides(m)
		if i := id - from; id >= from && i < m.Size {
			return to + i, true
		}
	}
	return 0, false
}

// toContainer turns the owner in st into what it is in the container. A file of
// nobody's is none that the container's users could have written to.
func (ids IDs) toContainer(st *unix.Stat_t) error {
	uid, gid, ok := ids.Inside(st.Uid, st.Gid)
	if !ok {
		return fmt.Errorf("%d:%d is nobody in the container's user namespace", st.Uid, st.Gid)
	}
	st.Uid, st.Gid = uid, gid
	return nil
}
