// SPDX-License-Identifier: Apache-2.0

package host

import (
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/spec"
)

// usual takes a scratch directory, which may be missing; a link must lead to
// another of the usual, lest a tmpfs hide what the image has elsewhere.
func (f *finder) usual(u Place) {
	real, mode, err := f.resolve(u.Path)
	if err != nil || mode != unix.S_IFDIR && mode != 0 || !isUsual(real) || f.has(real) || coveredBy(f.covered, real) {
		return
	}
	u.Path, u.Empty = real, true
	if mode != 0 {
		f.describe(&u)
	}
	f.found = append(f.found, u)
}

// listed takes a directory that the profile names, which may be missing.
func (f *finder) listed(dir string) {
	real, mode, err := f.resolve(dir)
	why := ""
	switch {
	case err != nil:
		why = err.Error()
	case mode != unix.S_IFDIR && mode != 0:
		why = "it is no directory"
	case closed(real):
		why = "it holds what a container must not change"
	case coveredBy(f.covered, real):
		why = "the engine mounts something there"
	case len(f.found) >= maxPlaces:
		why = "there are too many"
	case f.has(real):
		return
	default:
		p := Place{Path: real, Why: Listed, Empty: true}
		if mode != 0 {
			f.describe(&p)
		}
		f.found = append(f.found, p)
		return
	}
	f.notes = append(f.notes, dir+" is listed in writable and is not made so: "+why)
}

// search looks through the directories in dir for those that are a service's.
func (f *finder) search(dir string) {
	real, mode, err := f.resolve(dir)
	if err != nil || mode != unix.S_IFDIR {
		return
	}
	for _, e := range f.list(real).entries {
		switch at := path.Join(real, e.name); e.mode {
		case unix.S_IFDIR:
			f.weigh(at, Service)
		case unix.S_IFLNK:
			f.consider(at, Service)
		}
	}
}

// consider takes a directory, links followed, if the rule allows it.
func (f *finder) consider(dir string, why Why) {
	if len(f.found) >= maxPlaces {
		return
	}
	if real, mode, err := f.resolve(dir); err == nil && mode == unix.S_IFDIR {
		f.weigh(real, why)
	}
}

// weigh takes a directory, known by its path without links, if the rule allows
// it.
func (f *finder) weigh(real string, why Why) {
	if len(f.found) >= maxPlaces || closed(real) || f.has(real) || coveredBy(f.covered, real) {
		return
	}
	st, err := f.stat(real)
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return
	}
	switch {
	case st.Uid != 0 && (f.user.UID == 0 || f.user.mayWrite(st)):
		if why != Home {
			why = Service
		}
	case f.user.UID != 0 && f.user.mayWrite(st):
		why = Service
	case f.user.UID == 0 && why != Service: // root's own: state, home, working directory
	case f.user.UID == 0 && st.Mode&0o002 != 0 && f.few(real):
		why = Work
	default:
		return
	}
	if f.ownedAbove(real, st) {
		return
	}
	p := Place{Path: real, Why: why, Added: f.user.UID == 0 && (why == Work || why == Service)}
	f.describe(&p)
	f.found = append(f.found, p)
}

// maxShared bounds what may be in a directory of root's that everybody may write
// to. An application that is installed there stays executable in all its parts.
const maxShared = 32

// few reports whether a directory holds next to nothing, however deep: its
// programs are found then, and nothing is lost by noexec.
func (f *finder) few(dir string) bool {
	left := maxShared
	queue := []string{dir}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		fd, err := f.open(at, unix.O_RDONLY|unix.O_DIRECTORY)
		if err != nil {
			return false
		}
		list, whole := entries(fd, left+1)
		_ = unix.Close(fd)
		if left -= len(list); !whole || left < 0 {
			return false
		}
		for _, e := range list {
			if e.mode == unix.S_IFDIR {
				queue = append(queue, path.Join(at, e.name))
			}
		}
	}
	return true
}

// ownedAbove reports whether a place above already gives this owner's files to
// the container's user.
func (f *finder) ownedAbove(p string, st *unix.Stat_t) bool {
	for _, q := range f.found {
		if within(p, q.Path) && q.Why != Work && q.Why != Parts && (q.UID == st.Uid || q.Empty) {
			return true
		}
	}
	return false
}

// describe finds a place's owner, its layers, and whether there is anything.
func (f *finder) describe(p *Place) {
	st, err := f.stat(p.Path)
	if err != nil {
		return
	}
	p.UID, p.GID = st.Uid, st.Gid
	p.Empty = f.empty(p.Path)
	if !p.Empty && f.layers != nil {
		p.Layers, _ = f.layers.At(p.Path) // none: it is shown in another way
	}
}

func (f *finder) has(p string) bool { return f.at(p) != nil }

// at returns the place at a path, nil if there is none.
func (f *finder) at(p string) *Place {
	for i := range f.found {
		if f.found[i].Path == p {
			return &f.found[i]
		}
	}
	return nil
}

func isUsual(p string) bool {
	for _, q := range usual {
		if q.Path == p {
			return true
		}
	}
	return false
}

// mayWrite reports whether the user may make files in a directory
// (path_resolution(7), "Permissions").
func (u User) mayWrite(st *unix.Stat_t) bool {
	switch {
	case u.UID == 0:
		return true
	case st.Uid == u.UID:
		return st.Mode&0o200 != 0
	case st.Gid == u.GID || slices.Contains(u.Groups, st.Gid):
		return st.Mode&0o020 != 0
	}
	return st.Mode&0o002 != 0
}

// mountPoints returns where the mounts of the spec lie.
func mountPoints(doc *spec.Document, destinations map[*spec.Value]string) []string {
	var out []string
	for _, m := range doc.Get("mounts").Elems() {
		if dest := destinations[m]; dest != "/" {
			out = append(out, dest)
		}
	}
	return out
}

// coveredBy reports whether one of the mount points lies at p or above it.
func coveredBy(points []string, p string) bool {
	for _, dest := range points {
		if within(p, dest) {
			return true
		}
	}
	return false
}
