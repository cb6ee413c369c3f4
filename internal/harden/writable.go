// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/runclad/runclad/internal/spec"
)

// applyWritable mounts an empty tmpfs on each of the Plan's places. It goes
// before the engine's mounts inside that place (/run/secrets, say), since
// runtimes mount in the order of the list.
func applyWritable(e *edit) {
	mounts := e.doc.Ensure(e.doc.Root(), "mounts", spec.Array)
	for _, p := range e.Facts.Places {
		mode, owner := "mode=0755", "uid="+decimal(e.UID)
		if p.Shared {
			mode = "mode=1777"
		}
		m := spec.Map(
			spec.M("destination", spec.Text(p.Path)), spec.M("type", spec.Text("tmpfs")), spec.M("source", spec.Text("tmpfs")),
			spec.M("options", spec.Texts("nosuid", "nodev", "noexec", "size="+strconv.FormatInt(e.Profile.TmpfsSize, 10),
				mode, owner, "gid="+decimal(e.GID))))
		e.doc.Insert(mounts, firstInside(e, mounts, p.Path), m)
	}
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
	for _, p := range e.Facts.Places {
		found := false
		for _, m := range e.doc.Get("mounts").Elems() {
			dest := m.Get("destination").Str()
			if dest == p.Path {
				if missing := loose(m, "nosuid", "nodev", "noexec"); missing != "" {
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
