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
	maxProgramEntries = 1024
	readCost          = 4
	maxProgramDepth   = 6
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

// distributionState are directories of /var/lib with scripts that only a
// package manager runs.
func distributionState(dir string) bool {
	switch dir {
	case "/var/lib/apt", "/var/lib/dpkg", "/var/lib/pam", "/var/lib/rpm", "/var/lib/systemd":
		return true
	}
	return false
}

// programs finds them in each place, nearest to the top first. What lies beyond
// the bounds can be read and not executed.
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
		}
		queue := []level{{p.Path, 0}}
		for len(queue) > 0 && mounts > 0 {
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
			found, dirs, seen := f.programsIn(at.dir, entries)
			entries -= seen
			switch {
			case at.depth > 0 && (len(found) > fewPrograms || len(found) > 0 && programDir(path.Base(at.dir))):
				p.Programs = append(p.Programs, Program{Path: at.dir, Dir: true})
				mounts--
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
					queue = append(queue, level{dir, at.depth + 1})
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

// programsIn returns the names of the programs and of the directories in dir,
// and how many entries it looked at, at most limit.
func (f *finder) programsIn(dir string, limit int) (found, dirs []string, seen int) {
	fd, err := f.open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, nil, 1
	}
	defer unix.Close(fd)
	list, _ := entries(fd, min(limit, maxEntries))
	seen = len(list) + 1
	for _, e := range list {
		switch {
		case e.mode == unix.S_IFDIR:
			dirs = append(dirs, e.name)
		case e.mode == unix.S_IFREG && seen < limit && mayRun(fd, e.name):
			seen += readCost
			if isProgram(fd, e.name) {
				found = append(found, e.name)
			}
		}
	}
	return found, dirs, seen
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
