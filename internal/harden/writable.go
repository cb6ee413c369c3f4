// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
)

// Place is a directory of the image that is made writable.
type Place struct {
	host.Place
	// Staged is where the shim has mounted the image's content for the
	// container's user; "" for an empty tmpfs.
	Staged string
	// Runnable is what can be executed there, read-only.
	Runnable []Program
}

// Program is where the shim has mounted what the image has at Path.
type Program struct {
	Path, Staged string
}

// applyWritable mounts each of the Plan's places. It goes before the engine's
// mounts inside that place (/run/secrets, say), since runtimes mount in the
// order of the list.
func applyWritable(e *edit) {
	mounts := e.doc.Ensure(e.doc.Root(), "mounts", spec.Array)
	for _, p := range e.Places {
		e.doc.Insert(mounts, firstInside(e, mounts, p.Path), p.mount(e))
	}
	for _, p := range e.Places {
		for _, prog := range p.Runnable {
			e.doc.Insert(mounts, firstInside(e, mounts, prog.Path), prog.mount())
		}
	}
}

// flags are those of a place's mount.
func (p Place) flags() []string {
	if p.Exec {
		return []string{"nosuid", "nodev"}
	}
	return []string{"nosuid", "nodev", "noexec"}
}

func (p Program) mount() *spec.Value {
	return spec.Map(
		spec.M("destination", spec.Text(p.Path)), spec.M("type", spec.Text("bind")), spec.M("source", spec.Text(p.Staged)),
		spec.M("options", spec.Texts("bind", "rprivate", "ro", "nosuid", "nodev")))
}

func (p Place) mount(e *edit) *spec.Value {
	if p.Staged != "" {
		return spec.Map(
			spec.M("destination", spec.Text(p.Path)), spec.M("type", spec.Text("bind")), spec.M("source", spec.Text(p.Staged)),
			spec.M("options", spec.Texts(append([]string{"bind", "rprivate"}, p.flags()...)...)))
	}
	uid, gid := e.UID, e.GID
	if e.Profile.Identity == policy.IdentityImage {
		uid, gid = p.UID, p.GID // as the image has it
	}
	mode := "mode=0755"
	if p.Why == host.Scratch {
		mode = "mode=1777"
	}
	return spec.Map(
		spec.M("destination", spec.Text(p.Path)), spec.M("type", spec.Text("tmpfs")), spec.M("source", spec.Text("tmpfs")),
		spec.M("options", spec.Texts(append(p.flags(), "size="+strconv.FormatInt(e.Profile.TmpfsSize, 10),
			mode, "uid="+decimal(uid), "gid="+decimal(gid))...)))
}

// ownFlags are what a mount of the shim's own must have.
func ownFlags(e *edit, m *spec.Value) []string {
	if isProgram(e, m) {
		return []string{"ro", "nosuid", "nodev"}
	}
	for _, p := range e.Places {
		if p.Path == m.Get("destination").Str() {
			return p.flags()
		}
	}
	return []string{"nosuid", "nodev", "noexec"}
}

// isProgram reports whether a mount is one that the shim staged to be executed.
func isProgram(e *edit, m *spec.Value) bool {
	source := m.Get("source").Str()
	staged := func(p Program) bool { return p.Staged == source }
	return slices.ContainsFunc(e.FileCaps, staged) ||
		slices.ContainsFunc(e.Places, func(p Place) bool { return slices.ContainsFunc(p.Runnable, staged) })
}

// firstInside returns the index of the first mount that lies inside dir, the
// list's length if there is none.
func firstInside(e *edit, mounts *spec.Value, dir string) int {
	for i, m := range mounts.Elems() {
		dest, given := e.Facts.Destinations[m]
		if !given {
			dest = path.Clean("/" + m.Get("destination").Str())
		}
		if strings.HasPrefix(dest, dir+"/") {
			return i
		}
	}
	return len(mounts.Elems())
}

func verifyWritable(e *edit) error {
	for _, p := range e.Places {
		found := false
		for _, m := range e.doc.Get("mounts").Elems() {
			dest := m.Get("destination").Str()
			if dest == p.Path {
				if missing := loose(m, p.flags()...); missing != "" {
					return fmt.Errorf("%s is not %s", p.Path, missing)
				}
				found = true
			} else if strings.HasPrefix(dest, p.Path+"/") && !found {
				return fmt.Errorf("%s is mounted before %s and would be hidden", dest, p.Path)
			}
		}
		if !found {
			return fmt.Errorf("%s is not writable", p.Path)
		}
	}
	return nil
}
