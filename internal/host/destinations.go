// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/spec"
)

// cover is a mount that shows something else than the image has there.
type cover struct {
	at     string
	source Source // of a bind
}

// destinations resolves where each mount ends up, and says of which a link
// leads out of what another mount shows: a link that the image does not have, and
// that whoever has the volume can make. runc refuses some of the places it may
// lead to, crun none. One that cannot be resolved keeps its name: the runtime
// will say what is wrong with it.
func (r *rootfs) destinations(doc *spec.Document, sources map[*spec.Value]Source) (out, through map[*spec.Value]string) {
	out, through = map[*spec.Value]string{}, map[*spec.Value]string{}
	var covers []cover
	for _, m := range doc.Get("mounts").Elems() {
		given := path.Clean("/" + m.Get("destination").Str())
		out[m] = given
		if dest, c := r.covered(given, covers); c != nil {
			if out[m] = dest; c.leaves(dest) {
				through[m] = c.at
			}
		} else if real, _, err := r.resolve(given); err == nil {
			out[m] = real
		}
		if hides(m, out[m], sources[m]) {
			covers = append(covers, cover{out[m], sources[m]})
		}
	}
	return out, through
}

// hides reports whether what a mount shows has nothing to do with the image. The
// runtime's own /dev has no links yet when others are mounted in it.
func hides(m *spec.Value, at string, source Source) bool {
	switch {
	case at == "/" || at == "/dev":
		return false
	case IsBind(m):
		return source.Mode == unix.S_IFDIR || source.Mode == 0
	}
	return m.Get("type").Str() == "tmpfs" && !slices.Contains(m.Get("options").Strs(), "tmpcopyup")
}

// covered returns where p ends up below one of the covers, and which; nil if the
// way to it is the image's alone. Links of the image count up to there.
func (r *rootfs) covered(p string, covers []cover) (string, *cover) {
	for end := 1; len(covers) > 0 && end < len(p); end++ {
		if p[end] != '/' {
			continue
		}
		real, _, err := r.resolve(p[:end])
		if err != nil {
			return "", nil
		}
		if c := deepest(covers, real); c != nil {
			dest := strings.TrimSuffix(real, "/") + p[end:]
			return dest, deepest(covers, path.Dir(dest))
		}
	}
	return "", nil
}

func deepest(covers []cover, p string) *cover {
	var found *cover
	for i := range covers {
		if c := &covers[i]; within(p, c.at) && (found == nil || len(c.at) >= len(found.at)) {
			found = c
		}
	}
	return found
}

// leaves reports whether a link on the way from a cover to dest, the last step
// included, leads out of what the cover shows; also where that cannot be told.
// Those of Kubernetes' configuration volumes lead to files beside them.
func (c *cover) leaves(dest string) bool {
	if c.source.Mode != unix.S_IFDIR {
		return false
	}
	dir, err := c.source.Open()
	if err != nil {
		return true
	}
	defer unix.Close(dir)
	fd, err := unix.Openat2(dir, dest[len(c.at)+1:], &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH,
	})
	if err == nil {
		_ = unix.Close(fd)
	}
	return err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR)
}
