// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"errors"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/harden"
	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/identity"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/stage"
)

// manyUsers reports whether the container can be several users: root in a user
// namespace that may step down. Files are then shown with the owners that the
// image gave them; else with the one user that there is.
func (s *shim) manyUsers() bool {
	return s.plan.Userns != nil && slices.Contains(s.record.Capabilities, "CAP_SETUID")
}

// engineUserns reports whether the container has the engine's user namespace.
func (s *shim) engineUserns() bool { return len(s.plan.Facts.IDs.UIDs) > 0 }

// to is an Owner that shows an owner on disk as the container's user.
func (s *shim) to(uid, gid uint32) stage.Owner {
	return stage.Owner{UID: uid, GID: gid, ToUID: s.record.HostUID, ToGID: s.record.HostGID}
}

// blockIDs are how the image's owners are shown in the container's own user
// namespace, nil if it has none.
func (s *shim) blockIDs() *stage.IDs {
	if s.record.IDs != identity.BlockSize {
		return nil
	}
	if s.idmap == nil {
		lines := []stage.Mapping{{Disk: 0, Shown: s.record.HostUID, Size: identity.BlockSize}}
		s.idmap = &stage.IDs{UIDs: lines, GIDs: lines}
	}
	return s.idmap
}

// engineIDs are how the image's owners are shown where the engine's layers are
// as the image has them and it maps them itself.
func (s *shim) engineIDs() *stage.IDs {
	if s.idmap == nil {
		s.idmap = idsOf(s.plan.Facts.IDs, 0)
	}
	return s.idmap
}

func idsOf(ids host.IDs, shift uint32) *stage.IDs {
	return &stage.IDs{UIDs: lines(ids.UIDs, shift), GIDs: lines(ids.GIDs, shift)}
}

func lines(mappings []identity.Mapping, shift uint32) []stage.Mapping {
	out := make([]stage.Mapping, len(mappings))
	for i, m := range mappings {
		out[i] = stage.Mapping{Disk: m.Inside, Shown: m.Host + shift, Size: m.Size}
	}
	return out
}

// placeOwner says how the owners of a place's layers are shown. The image's own
// user keeps the image's files as they are.
func (s *shim) placeOwner(p host.Place) (stage.Owner, error) {
	if s.profile.Identity == policy.IdentityImage {
		return stage.Owner{}, nil
	}
	if !s.engineUserns() {
		o := s.to(p.UID, p.GID)
		if o.IDs = s.blockIDs(); s.manyUsers() {
			o.UID, o.GID = 0, 0
		}
		return o, nil
	}
	// The layers hold the host's IDs, or, where the engine maps them when it
	// mounts them, the image's. Logs are another's in a directory of root's.
	var st unix.Stat_t
	if err := unix.Lstat(p.Layers[0], &st); err != nil {
		return stage.Owner{}, &os.PathError{Op: "stat layer", Path: p.Layers[0], Err: err}
	}
	uid, gid, _ := s.plan.Facts.IDs.Host(p.UID, p.GID)
	images := uid != st.Uid || gid != st.Gid
	if p.Why == host.Logs {
		root, _, _ := s.plan.Facts.IDs.Host(0, 0)
		images = root != st.Uid
	}
	o := s.to(uid, gid)
	if images {
		o = s.to(p.UID, p.GID)
		o.IDs = s.engineIDs()
	}
	if s.manyUsers() {
		if o.UID, o.GID = o.ToUID, o.ToGID; images {
			o.UID, o.GID = 0, 0
		}
	}
	return o, nil
}

// ownsCode reports whether what the image ships as root's would be the
// container's user's own, as the engine shows it.
func (s *shim) ownsCode() bool { return s.plan.Userns != nil && s.engineUserns() }

var errOwnsCode = errors.New("what the image ships there would be the container's root's to change")

var errParts = errors.New("what the image ships beside the user's files would be the container's user's to change")

// asCode reports whether all of a place is shown as the application's code is.
// In a user namespace the parts that are a service's cannot be told from it.
func (s *shim) asCode(p host.Place) bool {
	return p.Why == host.Work || p.Why == host.Parts && (s.plan.Userns != nil || s.engineUserns())
}

// codeOwner says how the owners of the application's code are shown, so that it
// is not the container's user's: as they are, or, where that would be so, with
// the host's root in the place of the container's. Given is how another place
// would be shown.
func (s *shim) codeOwner(given stage.Owner) *stage.Owner {
	if !s.ownsCode() || given.IDs != nil {
		return nil
	}
	return &stage.Owner{UID: s.record.HostUID, GID: s.record.HostGID}
}

// volumeOwner says whose files on disk become the container's: those of the
// user that the container was made for, or, where that is root, those of the
// volume's own owner. Files that engines write are for everybody. It is false
// where the volume is to be shown as it is.
func (s *shim) volumeOwner(m *spec.Value) (o stage.Owner, ok bool, err error) {
	facts := s.plan.Facts
	src := facts.Sources[m]
	if s.profile.Volumes == "keep" {
		return stage.Owner{}, false, nil
	}
	if src.Mode != unix.S_IFDIR && src.Mode != unix.S_IFREG || !harden.OwnerMatters(s.plan, m) {
		return stage.Owner{}, false, nil
	}
	if s.profile.Identity == policy.IdentityImage && (facts.User.UID != 0 || src.UID == 0) {
		return stage.Owner{}, false, nil // it is the owner, or as much of one as it ever was
	}
	own, err := host.MountIDs(m)
	if err != nil {
		return stage.Owner{}, false, err
	}
	o = s.to(src.UID, src.GID)
	if facts.User.UID != 0 {
		o.UID, o.GID = facts.User.UID, facts.User.GID
	}
	switch {
	case len(own.UIDs) > 0: // the engine has it mapped: Kubernetes' pods with user namespaces
		if s.manyUsers() && s.engineUserns() {
			return stage.Owner{}, false, nil
		}
		shift := uint32(0)
		if s.plan.Userns.Own() {
			shift = s.record.HostUID
		}
		o.IDs = idsOf(own, shift)
	case s.engineUserns():
		if s.manyUsers() {
			return stage.Owner{}, false, nil
		}
		if facts.User.UID != 0 {
			if o.UID, o.GID, ok = facts.IDs.Host(o.UID, o.GID); !ok {
				return stage.Owner{}, false, nil
			}
		} else if _, _, ok := facts.IDs.Inside(o.UID, o.GID); !ok {
			s.note("the volume at %s keeps its owner, who is nobody in the container's user namespace", m.Get("destination").Str())
			return stage.Owner{}, false, nil
		}
	default:
		if o.IDs = s.blockIDs(); s.manyUsers() {
			o.UID, o.GID = 0, 0
		}
	}
	return o, true, nil
}
