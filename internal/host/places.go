// SPDX-License-Identifier: Apache-2.0

package host

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/spec"
)

// Place is a directory of the image that is made writable.
type Place struct {
	// Path is where it lies inside the rootfs, links followed.
	Path string
	// Shared says that every user may write there (mode 1777, as /tmp); else it
	// is the container's user's alone (0755).
	Shared bool
}

// usual are the directories that programs write to whatever the image: FHS 3.0
// sections 3.15 (/run), 3.18 (/tmp), 5.15 (/var/tmp); /var/run is the name of
// /run before FHS 3.0.
var usual = [...]Place{
	{Path: "/tmp", Shared: true},
	{Path: "/var/tmp", Shared: true},
	{Path: "/run"},
	{Path: "/var/run"},
}

// places says which of the usual directories get a tmpfs. Left out are those
// where the engine already mounts something, there or above, and those that an
// image made into something else: a file, a FIFO, a loop, or a link to a place
// that is not one of the usual, whose content a tmpfs would hide.
func (r *rootfs) places(doc *spec.Document, destinations map[*spec.Value]string) []Place {
	var out []Place
	for _, u := range usual {
		real, mode, err := r.resolve(u.Path)
		if err != nil || mode != unix.S_IFDIR && mode != 0 || !isUsual(real) || has(out, real) {
			continue
		}
		if coveredBy(doc, destinations, real) {
			continue
		}
		out = append(out, Place{Path: real, Shared: u.Shared})
	}
	return out
}

func isUsual(p string) bool { return has(usual[:], p) }

func has(places []Place, p string) bool {
	for _, q := range places {
		if q.Path == p {
			return true
		}
	}
	return false
}

// coveredBy reports whether a mount of the spec lies at p or above it.
func coveredBy(doc *spec.Document, destinations map[*spec.Value]string, p string) bool {
	for _, m := range doc.Get("mounts").Elems() {
		if dest := destinations[m]; dest != "/" && (p == dest || strings.HasPrefix(p, dest+"/")) {
			return true
		}
	}
	return false
}
