// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/harden"
	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/identity"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/spec"
)

// home is where HOME points if the image's own is of no use to the container's
// user: its own where that is made writable, else the one directory that is
// writable in every container.
func (s *shim) home() string {
	facts := s.plan.Facts
	for _, p := range facts.Places {
		if facts.User.Home == p.Path || strings.HasPrefix(facts.User.Home, p.Path+"/") {
			return facts.User.Home
		}
	}
	return "/tmp"
}

// decideIdentity claims the container's UID, the pod's if it belongs to one,
// and starts its record.
func (s *shim) decideIdentity() error {
	claims, err := s.openClaims()
	if err != nil {
		return err
	}
	self, err := record.Self()
	if err != nil {
		return err
	}
	if s.preview {
		self = record.Process{} // an answer is the same each time it is asked for
	}
	request := s.request(self)
	request.UIDs, request.GIDs = s.plan.Facts.IDs.UIDs, s.plan.Facts.IDs.GIDs
	id, err := s.claim(claims, request)
	if errors.Is(err, identity.ErrNoSandbox) || errors.Is(err, identity.ErrNoID) {
		return s.refuse(control.Identity, "", "%s", err)
	}
	if err != nil {
		return err
	}
	image := s.profile.Identity == policy.IdentityImage
	if image {
		// The claim stands all the same: by it the record is found when the
		// container is gone.
		user := s.plan.Facts.User
		id = identity.Identity{UID: user.UID, GID: user.GID}
		id.HostUID, id.HostGID, _ = s.plan.Facts.IDs.Host(user.UID, user.GID) // the runtime refuses whom nothing maps
	} else {
		s.plan.Home = s.home()
	}
	s.plan.UID, s.plan.GID = id.UID, id.GID
	s.record = s.newRecord(self, id)
	s.record.Home, s.record.Capabilities = s.plan.Home, harden.Capabilities(s.plan, s.doc.Get("process"))
	if image {
		return nil
	}
	s.decideUserns(id)
	return s.decidePasswd()
}

// request asks for a UID for the container.
func (s *shim) request(self record.Process) identity.Request {
	uidRange := s.profile.UIDRange
	return identity.Request{
		Owner: identity.Owner{
			Root: s.root(), ID: s.call.ID, Flavor: s.target.flavor.String(), Sandbox: s.workload.SandboxID, Creator: self,
		},
		Range: identity.Range{First: uidRange[0], Last: uidRange[1]},
		Paths: identity.HostPaths, AsRoot: s.profile.Identity == policy.IdentityUserns,
	}
}

// claim takes a UID, to be given back if a later verb fails. Where nothing may
// be claimed, the first of the range stands for it.
func (s *shim) claim(claims identity.Store, request identity.Request) (identity.Identity, error) {
	if s.preview {
		first := request.Range.First
		if request.AsRoot {
			return identity.Identity{HostUID: first, HostGID: first, Block: len(request.UIDs) == 0}, nil
		}
		return identity.Identity{UID: first, GID: first, HostUID: first, HostGID: first}, nil
	}
	id, err := claims.Claim(request)
	if err == nil {
		s.onFailure(func() { _ = claims.Release(request.Owner, id) })
	}
	return id, err
}

// openClaims opens the claims, after a look for those of containers that are
// gone: they are found by those that come, as delete is handed off at once and
// cleans up nothing.
func (s *shim) openClaims() (identity.Store, error) {
	if s.preview {
		return identity.Store{}, nil
	}
	claims, err := identity.Open(s.store)
	if err != nil {
		return claims, err
	}
	if _, err := claims.Reclaim(); err != nil {
		s.notes = append(s.notes, "reclaim: "+err.Error())
	}
	return claims, nil
}

// newRecord is the record of the container as far as the policy decides it.
func (s *shim) newRecord(self record.Process, id identity.Identity) *record.Record {
	w, p := s.workload, s.profile
	r := &record.Record{
		ID: s.call.ID, Root: s.root(), Bundle: s.call.Bundle, Runtime: s.target.path, Flavor: s.target.flavor.String(),
		Engine: w.Engine, Namespace: w.Namespace, Pod: w.Pod, PodUID: w.PodUID, Name: w.Name, Image: w.Image, Sandbox: w.SandboxID,
		Profile: p.Name, PolicyDigest: s.policy.Digest, Exemptions: p.Warnings(),
		UID: id.UID, GID: id.GID, HostUID: id.HostUID, HostGID: id.HostGID,
		NewPrivileges: p.NewPrivileges, Unconfined: p.Unconfined,
		CreatorPID: self.PID, CreatorStart: self.Start, Created: s.began.UTC().Format(time.RFC3339Nano),
	}
	if p.Identity != policy.IdentityRandom {
		r.Identity = p.Identity
	}
	if s.decision.Rule != nil {
		r.Rule = s.decision.Rule.Name
	}
	return r
}

// decidePasswd makes the passwd and group files, from the image's own or, where
// the engine or the user binds one, from that.
func (s *shim) decidePasswd() error {
	facts := s.plan.Facts
	if s.plan.UID == 0 && identity.Home(facts.Rootfs, 0) != "" {
		return nil // the image knows root
	}
	var given identity.Given
	for _, f := range [...]struct {
		dest      string
		mountable bool
		data      *[]byte
	}{
		{"/etc/passwd", facts.PasswdMountable, &given.Passwd},
		{"/etc/group", facts.GroupMountable, &given.Group},
	} {
		if !f.mountable {
			continue
		}
		if err := s.fromBind(f.dest, f.data); err != nil {
			return err
		}
	}
	files, err := identity.FilesFor(facts.Rootfs, given, s.user())
	if err != nil {
		return err
	}
	s.notes = append(s.notes, files.Notes...)
	for _, f := range [...]struct {
		dest      string
		mountable bool
		data      []byte
		source    *string
	}{
		{"/etc/passwd", facts.PasswdMountable, files.Passwd, &s.plan.Passwd},
		{"/etc/group", facts.GroupMountable, files.Group, &s.plan.Group},
	} {
		if !f.mountable {
			s.notes = append(s.notes, f.dest+" of the image cannot be mounted over and has no entry for the container's user")
			continue
		}
		name := path.Base(f.dest)
		*f.source = s.store.Path(*s.record, name)
		s.files = append(s.files, record.File{Name: name, Data: f.data})
	}
	return nil
}

// user is the one that passwd and group have to name.
func (s *shim) user() identity.User {
	u := identity.User{
		UID: s.plan.UID, GID: s.plan.GID, Home: s.plan.Home, Image: s.plan.Facts.User.UID,
		Changes: slices.Contains(s.record.Capabilities, "CAP_SETUID"),
	}
	if u.UID == 0 {
		u.Name = "root"
	}
	return u
}

// maxAccounts bounds a passwd or group file.
const maxAccounts = 1 << 20

// fromBind takes the content that a bind of the spec would have shown, if there
// is one.
func (s *shim) fromBind(dest string, data *[]byte) error {
	for m, real := range s.plan.Facts.Destinations {
		if real != dest || !host.IsBind(m) || harden.Own(s.plan.Facts.Sources[m].Path, dest) {
			continue
		}
		f, err := readSource(s.plan.Facts.Sources[m])
		if err != nil {
			return fmt.Errorf("the file bound to %s: %w", dest, err)
		}
		if len(f.Data()) > maxAccounts || bytes.IndexByte(f.Data(), 0) >= 0 {
			return fmt.Errorf("the file bound to %s is binary or larger than 1 MiB", dest)
		}
		*data = bytes.Clone(f.Data())
		if *data == nil {
			*data = []byte{}
		}
		return nil
	}
	return nil
}

// readSource reads the file that was judged.
func readSource(src host.Source) (*spec.File, error) {
	fd, err := src.Open()
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return spec.ReadOpen(fd, src.Path)
}

// remember writes the record, from which exec, start and the hook take who the
// container is and what was decided.
func (s *shim) remember() error {
	if err := s.store.Write(*s.record, s.files...); err != nil {
		return err
	}
	s.onFailure(func() { _ = s.store.Remove(*s.record) })
	return nil
}
