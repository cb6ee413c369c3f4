// SPDX-License-Identifier: Apache-2.0

package host

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Program is a file or a directory in a place that the image has to be executed:
// ELF files and scripts with an execute bit, shared objects, and directories
// that hold them.
type Program struct {
	Path string
	Dir  bool
}

const (
	// maxProgramEntries bounds how many directory entries are looked at for
	// programs in all places of one container, maxProgramDepth how deep. One
	// whose content is read counts for readCost.
	maxProgramEntries = 4096
	readCost          = 12
	maxProgramDepth   = 6
	// manyEntries make a directory a large one, which is looked at when all
	// others have been: it must not use up what is left for them. Finding that
	// out counts for manyCost.
	manyEntries = 128
	manyCost    = 16
	// maxPrograms bounds the mounts that come of it.
	maxPrograms = 32
	// fewPrograms are mounted one by one, so that the directory in which they
	// lie can be written to; more make it a directory of programs.
	fewPrograms = 3
)

// programDir reports whether a directory's name says that it is one of programs
// and libraries.
func programDir(name string) bool {
	switch name {
	case "bin", "sbin", "lib", "lib64", "libexec", "modules", "node_modules", "site-packages", "venv", ".venv", "jre", "jdk":
		return true
	}
	return false
}

// dependencies reports whether a directory's name says that it holds other
// people's code, which is installed and not written to.
func dependencies(name string) bool { return name == "node_modules" || name == "site-packages" }

// distributionState are directories of /var/lib with scripts that only a
// package manager runs.
func distributionState(dir string) bool {
	switch dir {
	case "/var/lib/apt", "/var/lib/dpkg", "/var/lib/pam", "/var/lib/rpm", "/var/lib/systemd":
		return true
	}
	return false
}

// programs finds them in each place, nearest to the top first and large
// directories last; a large one of dependencies is not looked through, but taken
// as a whole. What lies beyond the bounds can be read and not executed.
func (f *finder) programs() {
	entries, mounts := maxProgramEntries, maxPrograms
	for i := range f.found {
		p := &f.found[i]
		if p.Empty || p.Why == Scratch || p.Why == Run || f.profile.Runs(p.Path) {
			continue
		}
		type level struct {
			dir   string
			depth int
			large bool
		}
		queue, large := []level{{dir: p.Path}}, []level(nil)
		for mounts > 0 {
			if len(queue) == 0 {
				queue, large = large, nil
			}
			if len(queue) == 0 {
				break
			}
			at := queue[0]
			queue = queue[1:]
			if entries <= 0 {
				// Too much to look through: what has the name of a directory
				// of programs is taken for one.
				if dir := programsAbove(p.Path, at.dir); dir != "" && !p.runs(dir) {
					p.Programs = append(p.Programs, Program{Path: dir, Dir: true})
					mounts--
				}
				continue
			}
			names := manyEntries
			switch {
			case at.depth == 0:
				names = maxEntries
			case at.large:
				names = entries
			}
			base, enough := path.Base(at.dir), fewPrograms+1
			switch {
			case at.depth == 0:
				enough = maxPrograms
			case programDir(base):
				enough = 1
			}
			found, dirs, seen, whole := f.programsIn(at.dir, names, enough, entries, at.depth == 0 || at.large)
			entries -= seen
			switch {
			case at.depth > 0 && len(found) == enough, !whole && dependencies(base):
				p.Programs = append(p.Programs, Program{Path: at.dir, Dir: true})
				mounts--
				continue
			case !whole:
				at.large = true
				large = append(large, at)
				continue
			case len(found) > mounts:
				found = found[:mounts]
			}
			for _, name := range found {
				p.Programs = append(p.Programs, Program{Path: path.Join(at.dir, name)})
			}
			mounts -= len(found)
			if at.depth == maxProgramDepth {
				continue
			}
			for _, name := range dirs {
				if dir := path.Join(at.dir, name); !f.has(dir) && !distributionState(dir) {
					queue = append(queue, level{dir: dir, depth: at.depth + 1})
				}
			}
		}
		slices.SortFunc(p.Programs, func(a, b Program) int { return strings.Compare(a.Path, b.Path) })
	}
}

// programsAbove returns the topmost directory of programs, by its name, on the
// way from a place down to dir, "" if there is none.
func programsAbove(place, dir string) string {
	rest := strings.TrimPrefix(dir, place)
	at := place
	for _, name := range strings.Split(strings.Trim(rest, "/"), "/") {
		at = path.Join(at, name)
		if programDir(name) {
			return at
		}
	}
	return ""
}

// runs reports whether a directory is among the place's programs already, by
// itself or as part of another.
func (p *Place) runs(dir string) bool {
	for _, q := range p.Programs {
		if q.Dir && within(dir, q.Path) {
			return true
		}
	}
	return false
}

// programsIn returns the names of the programs, at most enough, and of the
// directories in dir, and what looking at them counts for, at most about budget.
// Of more entries than names it looks at the first, or, unless it has to, at
// none: whole is false then.
func (f *finder) programsIn(dir string, names, enough, budget int, must bool) (found, dirs []string, seen int, whole bool) {
	fd, err := f.open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, nil, 1, true
	}
	defer unix.Close(fd)
	list, whole := entries(fd, names)
	if !whole && !must {
		return nil, nil, manyCost, false
	}
	seen = len(list) + 1
	for _, e := range list {
		switch {
		case e.mode == unix.S_IFDIR:
			dirs = append(dirs, e.name)
		case e.mode == unix.S_IFREG && len(found) < enough && seen < budget && mayRun(fd, e.name):
			seen += readCost
			if isProgram(fd, e.name) {
				found = append(found, e.name)
			}
		}
	}
	return found, dirs, seen, true
}

// mayRun reports whether a file has an execute bit or the name of a shared
// object.
func mayRun(dir int, name string) bool {
	shared := strings.HasSuffix(name, ".so") || strings.Contains(name, ".so.") || strings.HasSuffix(name, ".node")
	var st unix.Stat_t
	err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && (st.Mode&0o111 != 0 || shared)
}

// isProgram reads the first bytes: data files often have an execute bit, after a
// `chmod -R 755`.
func isProgram(dir int, name string) bool {
	// O_NONBLOCK: it may have become a FIFO.
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var magic [4]byte
	n, err := unix.Read(fd, magic[:])
	return err == nil && n >= 2 && (string(magic[:n]) == "\x7fELF" || string(magic[:2]) == "#!")
}
