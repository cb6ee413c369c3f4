// SPDX-License-Identifier: Apache-2.0

package host

import (
	"encoding/binary"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/spec"
)

// FileCaps is a program of the image whose file carries capabilities that it
// has to have: where one of them is not in the bounding set, execve(2) fails with
// EPERM (capabilities(7), "Safety checking for capability-dumb binaries").
type FileCaps struct {
	// Path is where it lies inside the rootfs, links followed.
	Path string
	// Caps are the capabilities, bit n standing for number n.
	Caps uint64
}

const (
	// maxWords bounds how many words of a command are looked up, maxPath in how
	// many directories.
	maxWords = 16
	maxPath  = 8
	// maxOfOwn bounds the entries of a directory of which all are looked at.
	maxOfOwn = 32
	// maxFileCaps bounds the mounts that come of it.
	maxFileCaps = 16
)

// capable are programs that distributions give capabilities to, and that are
// called by other commands than the container's own (iputils).
var capable = [...]string{"/bin/ping", "/usr/bin/ping"}

// fileCaps finds such programs: those that the words of the command name, those
// in the directories of PATH that are the image's own, and a few known ones. One
// at or below a mount or a place is left out: these are nosuid, under which the
// kernel does not look at file capabilities.
func fileCaps(r *rootfs, doc *spec.Document, points []string, places []Place) []FileCaps {
	var out []FileCaps
	nosuid := func(p string) bool {
		return coveredBy(points, p) || slices.ContainsFunc(places, func(place Place) bool { return within(p, place.Path) })
	}
	// look takes a path without links.
	look := func(real string) {
		caps := effectiveCaps(strings.TrimSuffix(r.real, "/") + real)
		if caps != 0 && len(out) < maxFileCaps && !nosuid(real) && !slices.Contains(out, FileCaps{real, caps}) {
			out = append(out, FileCaps{real, caps})
		}
	}
	find := func(p string) bool {
		if !r.isFile(p) {
			return false
		}
		if real, mode, err := r.resolve(p); err == nil && mode == unix.S_IFREG {
			look(real)
		}
		return true
	}
	dirs := searchPath(doc.Get("process", "env"))
	for _, word := range words(doc.Get("process", "args")) {
		in := dirs
		switch {
		case path.IsAbs(word):
			in = []string{"/"}
		case strings.Contains(word, "/"):
			in = []string{path.Join("/", doc.Get("process", "cwd").Str())}
		}
		for _, dir := range in {
			if find(path.Join(dir, word)) {
				break
			}
		}
	}
	for _, p := range capable {
		find(p)
	}
	for _, dir := range dirs {
		if distribution(dir) {
			continue
		}
		if l := r.list(dir); l.whole && len(l.entries) <= maxOfOwn {
			for _, e := range l.entries {
				if e.mode == unix.S_IFREG {
					look(path.Join(dir, e.name))
				}
			}
		}
	}
	return out
}

// words are those of a command that may name a program; a shell's are in one
// argument.
func words(args *spec.Value) []string {
	var out []string
	for _, arg := range args.Elems() {
		for word := range strings.FieldsSeq(arg.Str()) {
			if len(out) == maxWords {
				return out
			}
			if word[0] != '-' && !strings.Contains(word, "=") && len(word) < unix.PathMax {
				out = append(out, word)
			}
		}
	}
	return out
}

// searchPath are the directories of PATH; the last PATH counts, as in runc.
func searchPath(env *spec.Value) []string {
	list := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, v := range env.Elems() {
		if value, ok := strings.CutPrefix(v.Str(), "PATH="); ok {
			list = value
		}
	}
	var out []string
	for dir := range strings.SplitSeq(list, ":") {
		if dir = path.Clean(dir); path.IsAbs(dir) && len(dir) < unix.PathMax && !slices.Contains(out, dir) {
			if out = append(out, dir); len(out) == maxPath {
				break
			}
		}
	}
	return out
}

// distribution knows the directories of PATH that are the distribution's own,
// in which there are hundreds of programs.
func distribution(dir string) bool {
	switch dir {
	case "/", "/bin", "/sbin", "/usr/bin", "/usr/sbin":
		return true
	}
	return false
}

// effectiveCaps returns the capabilities that a program has to have: those of
// its permitted set, if the effective flag is set, else none (struct
// vfs_cap_data, include/uapi/linux/capability.h; revision 1, which nothing writes
// since Linux 2.6.25, is left out).
func effectiveCaps(file string) uint64 {
	const effective = 1         // VFS_CAP_FLAGS_EFFECTIVE
	const size2, size3 = 20, 24 // XATTR_CAPS_SZ_2, XATTR_CAPS_SZ_3
	var data [size3]byte
	if n, err := unix.Lgetxattr(file, "security.capability", data[:]); err != nil || n < size2 || data[0]&effective == 0 {
		return 0
	}
	low, high := binary.LittleEndian.Uint32(data[4:]), binary.LittleEndian.Uint32(data[12:])
	return uint64(high)<<32 | uint64(low)
}
