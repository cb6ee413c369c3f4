// SPDX-License-Identifier: Apache-2.0

package host

import (
	"path"

	"golang.org/x/sys/unix"
)

// maxLogs bounds the files of one directory whose owner is looked at.
const maxLogs = 16

// logs takes root's directories in /var/log that hold files of a service's user,
// as Debian's packages make them (nginx: www-data's access.log in a directory of
// root's). A place gives the files of one owner away, and that of the directory
// above gives root's: the service could not write to its own logs.
func (f *finder) logs() {
	real, mode, err := f.resolve("/var/log")
	if f.user.UID != 0 || err != nil || mode != unix.S_IFDIR || f.layers == nil {
		return
	}
	for _, e := range f.list(real).entries {
		dir := path.Join(real, e.name)
		if e.mode != unix.S_IFDIR || len(f.found) >= maxPlaces || f.has(dir) || coveredBy(f.covered, dir) {
			continue
		}
		st, err := f.stat(dir)
		if err != nil || st.Uid != 0 {
			continue
		}
		p := Place{Path: dir, Why: Logs}
		if !f.logOwner(&p) {
			continue
		}
		if p.Layers, err = f.layers.At(dir); err == nil && len(p.Layers) > 0 {
			f.found = append(f.found, p)
		}
	}
}

// logOwner finds the first file in a directory that is not root's, and whose it
// is.
func (f *finder) logOwner(p *Place) bool {
	left := maxLogs
	for _, e := range f.list(p.Path).entries {
		if e.mode != unix.S_IFREG || left == 0 {
			continue
		}
		left--
		if st, err := f.stat(path.Join(p.Path, e.name)); err == nil && st.Uid != 0 {
			p.UID, p.GID = st.Uid, st.Gid
			return true
		}
	}
	return false
}
