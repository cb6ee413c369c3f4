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
type Layers []string

// Of returns the layers of the root filesystem at dir, a real path.
func Of(dir string) (Layers, error) {
	m, err := mountAt(dir)
	if err != nil {
		return nil, err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return nil, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	switch {
	case st.Type != unix.OVERLAYFS_SUPER_MAGIC:
		return Layers{dir}, nil
	case m == nil || m.fstype != "overlay" || m.root != "/":
		return nil, fmt.Errorf("%s lies inside an overlay: its layers cannot be told", dir)
	}
	return overlayLayers(m.options)
}

// At returns the layers of one directory of the merged tree, topmost first: the
// real directories that overlayfs would merge there. dir is a path inside the
// root filesystem without symbolic links.
//
// A layer counts until an upper one hides it: by a whiteout (a character device
// 0:0), by anything but a directory, or by a directory marked opaque; the same
// holds for each directory above it.
func (ls Layers) At(dir string) ([]string, error) {
	var out []string
	for _, layer := range ls {
		real, hides, err := look(layer, dir)
		if err != nil {
			return nil, err
		}
		if real != "" {
			out = append(out, real)
		}
		if hides {
			break
		}
	}
	return out, nil
}

// look walks from a layer's root to dir. real is "" if the layer has no such
// directory; hides says that nothing of the layers below can be seen there.
func look(layer, dir string) (real string, hides bool, err error) {
	real = layer
	opaque := false
	for _, name := range strings.Split(strings.Trim(path.Clean(dir), "/"), "/") {
		real += "/" + name
		var st unix.Stat_t
		err := unix.Lstat(real, &st)
		if errors.Is(err, unix.ENOENT) {
			return "", opaque, nil
		}
		if err != nil {
			return "", false, &os.PathError{Op: "stat", Path: real, Err: err}
		}
		if st.Mode&unix.S_IFMT != unix.S_IFDIR {
			return "", true, nil
		}
		mark, err := xattr(real, "trusted.overlay.opaque")
		if err != nil {
			return "", false, err
		}
		opaque = opaque || mark == "y"
		if redirect, err := xattr(real, "trusted.overlay.redirect"); err != nil || redirect != "" {
			return "", false, fmt.Errorf("%s was renamed across layers: its content cannot be told (%w)", real, errors.Join(err))
		}
	}
	return real, opaque, nil
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
