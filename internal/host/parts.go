// SPDX-License-Identifier: Apache-2.0

package host

import (
	"path"

	"golang.org/x/sys/unix"
)

const (
	// maxParts bounds the files whose owner is looked at, maxPartDepth how far
	// down.
	maxParts     = 256
	maxPartDepth = 3
)

// parts looks at a working directory of root's in which some files or
// directories are a service's: Drupal's sites below a web folder of root's,
// Laravel's bootstrap/cache, the one file that pgAdmin's entrypoint writes.
// Directories right in it are found by search; what lies deeper, and files, would
// stay another's.
func (f *finder) parts() {
	real, mode, err := f.resolve(f.user.Cwd)
	if err != nil || mode != unix.S_IFDIR || closed(real) || f.layers == nil || coveredBy(f.covered, real) {
		return
	}
	work := f.at(real)
	st, err := f.stat(real)
	if err != nil || st.Uid != 0 || work == nil && (f.user.UID == 0 || len(f.found) >= maxPlaces) || work != nil && work.Why != Work {
		return
	}
	uid, gid, ok := f.partOwner(real)
	if !ok {
		return
	}
	if work == nil {
		p := Place{Path: real}
		if p.Layers, err = f.layers.At(real); err != nil || len(p.Layers) == 0 {
			return
		}
		f.found = append(f.found, p)
		work = &f.found[len(f.found)-1]
	}
	work.Why, work.UID, work.GID = Parts, uid, gid
}

// partOwner finds whose the first file or directory is, nearest to the top, that
// search has not found: the container's own user's, or, where it starts as root,
// any that is not root's.
func (f *finder) partOwner(top string) (uid, gid uint32, ok bool) {
	type level struct {
		dir   string
		depth int
	}
	queue := []level{{top, 1}}
	for left := maxParts; left > 0 && len(queue) > 0; {
		at := queue[0]
		queue = queue[1:]
		fd, err := f.open(at.dir, unix.O_RDONLY|unix.O_DIRECTORY)
		if err != nil {
			continue
		}
		list, _ := entries(fd, min(left, maxEntries))
		left -= len(list)
		for _, e := range list {
			var st unix.Stat_t
			if e.mode != unix.S_IFDIR && e.mode != unix.S_IFREG || f.at(path.Join(at.dir, e.name)) != nil ||
				unix.Fstatat(fd, e.name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil || f.ids.toContainer(&st) != nil {
				continue
			}
			if st.Uid != 0 && (f.user.UID == 0 || st.Uid == f.user.UID) {
				_ = unix.Close(fd)
				return st.Uid, st.Gid, true
			}
			if e.mode == unix.S_IFDIR && at.depth < maxPartDepth && !programDir(e.name) && e.name != "vendor" {
				queue = append(queue, level{path.Join(at.dir, e.name), at.depth + 1})
			}
		}
		_ = unix.Close(fd)
	}
	return 0, 0, false
}
