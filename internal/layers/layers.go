// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Layers are the directories that a root filesystem is merged from, topmost
// first. There is one where it is a plain directory.
type Layers struct {
	dirs []string
	// seen keeps what look found for each directory of each layer: the places of
	// one image lie near to each other.
	seen []map[string]step
}

func of(dirs ...string) *Layers {
	return &Layers{dirs: dirs, seen: make([]map[string]step, len(dirs))}
}

// Of returns the layers of the root filesystem at dir, a real path.
func Of(dir string) (*Layers, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return nil, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	if st.Type != unix.OVERLAYFS_SUPER_MAGIC {
		return of(dir), nil
	}
	m, err := mountAt(dir)
	if err != nil {
		return nil, err
	}
	if m == nil || m.fstype != "overlay" || m.root != "/" {
		return nil, fmt.Errorf("%s lies inside an overlay: its layers cannot be told", dir)
	}
	dirs, err := overlayLayers(m.options)
	if err != nil {
		return nil, err
	}
	return of(dirs...), nil
}

// All returns the layers themselves, topmost first.
func (ls *Layers) All() []string { return ls.dirs }

// At returns the layers of one directory of the merged tree, topmost first: the
// real directories that overlayfs would merge there. dir is a path inside the
// root filesystem without symbolic links.
//
// A layer counts until an upper one hides it: by a whiteout (a character device
// 0:0), by anything but a directory, or by a directory marked opaque; the same
// holds for each directory above it.
func (ls *Layers) At(dir string) ([]string, error) {
	var out []string
	dir = strings.Trim(path.Clean("/"+dir), "/")
	for i := range ls.dirs {
		s := ls.look(i, dir)
		if s.err != nil {
			return nil, s.err
		}
		if s.real != "" {
			out = append(out, s.real)
		}
		if s.hides {
			break
		}
	}
	return out, nil
}

// step is what a layer has at a directory. real is "" if it has no such
// directory; hides says that nothing of the layers below can be seen there.
type step struct {
	real  string
	hides bool
	err   error
}

// look walks from a layer's root to dir.
func (ls *Layers) look(layer int, dir string) step {
	if dir == "" {
		return step{real: ls.dirs[layer]}
	}
	if s, ok := ls.seen[layer][dir]; ok {
		return s
	}
	above, name := "", dir
	if i := strings.LastIndexByte(dir, '/'); i >= 0 {
		above, name = dir[:i], dir[i+1:]
	}
	s := ls.look(layer, above)
	if s.err == nil && s.real != "" {
		s = s.into(name)
	}
	if ls.seen[layer] == nil {
		ls.seen[layer] = map[string]step{}
	}
	ls.seen[layer][dir] = s
	return s
}

// into goes one step further down.
func (s step) into(name string) step {
	real := s.real + "/" + name
	var st unix.Stat_t
	err := unix.Lstat(real, &st)
	if errors.Is(err, unix.ENOENT) {
		return step{hides: s.hides}
	}
	if err != nil {
		return step{err: &os.PathError{Op: "stat", Path: real, Err: err}}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return step{hides: true}
	}
	mark, err := xattr(real, "trusted.overlay.opaque")
	if err != nil {
		return step{err: err}
	}
	if redirect, err := xattr(real, "trusted.overlay.redirect"); err != nil || redirect != "" {
		return step{err: fmt.Errorf("%s was renamed across layers: its content cannot be told (%w)", real, errors.Join(err))}
	}
	return step{real: real, hides: s.hides || mark == "y"}
}

func xattr(file, name string) (string, error) {
	buf := make([]byte, 256)
	n, err := unix.Lgetxattr(file, name, buf)
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
		return "", nil
	}
	if err != nil {
		return "", &os.PathError{Op: "getxattr " + name, Path: file, Err: err}
	}
	return string(buf[:n]), nil
}
