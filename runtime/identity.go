// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/harden"
	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/identity"
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
	if err := s.openStore(); err != nil {
		return err
	}
	claims, err := identity.Open(s.store)
	if err != nil {
		return err
	}
	// Records and claims of containers that are gone are found by those that
	// come: delete is handed off at once and cleans up nothing.
	if _, err := claims.Reclaim(); err != nil {
		s.notes = append(s.notes, "reclaim: "+err.Error())
	}
	self, err := record.Self()
	if err != nil {
		return err
	}
	uidRange := s.plan.Profile.UIDRange
	request := identity.Request{
		Owner: identity.Owner{
			Root: s.root(), ID: s.call.ID, Flavor: s.target.flavor.String(), Sandbox: s.workload.SandboxID, Creator: self,
		},
		Range: identity.Range{First: uidRange[0], Last: uidRange[1]},
		Paths: identity.HostPaths, AsRoot: s.plan.Profile.Identity == "root-in-userns",
		UIDs: s.plan.Facts.IDs.UIDs, GIDs: s.plan.Facts.IDs.GIDs,
	}
	id, err := claims.Claim(request)
	if errors.Is(err, identity.ErrNoSandbox) || errors.Is(err, identity.ErrNoID) {
		return control.Refuse(control.Identity, "", "%s", err)
	}
	if err != nil {
		return err
	}
	s.onFailure(func() { _ = claims.Release(request.Owner, id) })
	s.plan.UID, s.plan.GID, s.plan.Home = id.UID, id.GID, s.home()
	w := s.workload
	s.record = &record.Record{
		ID: s.call.ID, Root: s.root(), Bundle: s.call.Bundle, Runtime: s.target.path, Flavor: s.target.flavor.String(),
		Engine: w.Engine, Namespace: w.Namespace, Pod: w.Pod, PodUID: w.PodUID, Name: w.Name, Image: w.Image, Sandbox: w.SandboxID,
		Profile: s.plan.Profile.Name,
		UID:     id.UID, GID: id.GID, HostUID: id.HostUID, HostGID: id.HostGID, Home: s.plan.Home,
		Capabilities: harden.Capabilities(s.plan, s.doc.Get("process")),
		CreatorPID:   self.PID, CreatorStart: self.Start, Created: s.began.UTC().Format(time.RFC3339Nano),
	}
	s.decideUserns(id)
	return s.decidePasswd()
}

// decidePasswd makes the passwd and group files, from the image's own or, where
// the engine or the user binds one, from that.
func (s *shim) decidePasswd() error {
	facts := s.plan.Facts
	if s.plan.UID == 0 && identity.Home(facts.Rootfs, 0) != "" {
		return nil // the image knows root
	}
	files, err := identity.FilesFor(facts.Rootfs, s.user())
	if err != nil {
		return err
	}
	s.notes = append(s.notes, files.Notes...)
	for _, f := range [...]struct {
		dest      string
		mountable bool
		data      *[]byte
		source    *string
	}{
		{"/etc/passwd", facts.PasswdMountable, &files.Passwd, &s.plan.Passwd},
		{"/etc/group", facts.GroupMountable, &files.Group, &s.plan.Group},
	} {
		if !f.mountable {
			s.notes = append(s.notes, f.dest+" of the image cannot be mounted over and has no entry for the container's user")
			continue
		}
		if err := s.fromBind(f.dest, f.data); err != nil {
			return err
		}
		name := path.Base(f.dest)
		*f.source = s.store.Path(*s.record, name)
		s.files = append(s.files, record.File{Name: name, Data: *f.data})
	}
	return nil
}

// user is the one that passwd and group have to name.
func (s *shim) user() identity.User {
	u := identity.User{UID: s.plan.UID, GID: s.plan.GID, Home: s.plan.Home}
	if u.UID == 0 {
		u.Name = "root"
	}
	return u
}

// maxAccounts bounds a passwd or group file.
const maxAccounts = 1 << 20

// fromBind takes the content that a bind of the spec would have shown.
func (s *shim) fromBind(dest string, data *[]byte) error {
	for m, real := range s.plan.Facts.Destinations {
		if real != dest || !host.IsBind(m) || harden.Own(s.plan.Facts.Sources[m].Path, dest) {
			continue
		}
		f, err := spec.ReadFile(s.plan.Facts.Sources[m].Path)
		if err != nil {
			return fmt.Errorf("the file bound to %s: %w", dest, err)
		}
		if len(f.Data()) > maxAccounts || bytes.IndexByte(f.Data(), 0) >= 0 {
			return fmt.Errorf("the file bound to %s is binary or larger than 1 MiB", dest)
		}
		user := s.user()
		var made identity.Files
		if dest == "/etc/passwd" {
			made, err = identity.Build(f.Data(), nil, user)
			*data = made.Passwd
		} else {
			made, err = identity.Build(nil, f.Data(), user)
			*data = made.Group
		}
		return err
	}
	return nil
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
