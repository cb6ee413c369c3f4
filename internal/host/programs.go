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
	// programs in all places of one container, maxProgramDepth how deep. A file
	// that is asked for its mode counts for statCost more, one whose content is
	// read for readCost.
	maxProgramEntries = 4096
	statCost          = 3
	readCost          = 12
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
	case "bin", "sbin", "lib", "lib64", "libexec", "modules", "venv", ".venv", "jre", "jdk":
		return true
	}
	return packageDir(name)
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

// packageDir reports whether a directory's name says that a package manager put
// it there, with whatever it holds. They are large and deep.
func packageDir(name string) bool {
	switch name {
	case "node_modules", "site-packages", "gems", "bundle":
		return true
	}
	return false
}

// cacheDir reports whether a directory's name says that it is a cache: seldom
// does one hold programs, and often many files.
func cacheDir(name string) bool {
	switch name {
	case ".cache", ".npm", "_cacache", "cache", "caches":
		return true
	}
	return false
}

// programs finds them in all places, nearest to the top of its place first and
// in caches last, so that no place spends what is left for another. What lies
// beyond the bounds can be read and not executed, unless the name of a directory
// above says that it is one of programs.
func (f *finder) programs() {
	type level struct {
		place *Place
		dir   string
		depth int
	}
	var queue, caches []level
	for i := range f.found {
		p := &f.found[i]
		if p.Empty || p.Why == Scratch || p.Why == Run || f.profile.Runs(p.Path) {
			continue
		}
		queue = append(queue, level{p, p.Path, 0})
	}
	entries, mounts, cached := maxProgramEntries, maxPrograms, false
	for mounts > 0 && len(queue)+len(caches) > 0 {
		if len(queue) == 0 {
			queue, caches, cached = caches, nil, true
		}
		at := queue[0]
		queue = queue[1:]
		if at.place.runs(at.dir) {
			continue
		}
		if entries <= 0 || at.depth > maxProgramDepth {
			mounts -= at.place.take(at.dir, entries <= 0 && !cached)
			continue
		}
		found, dirs, seen, whole := f.programsIn(at.dir, at.depth, entries)
		entries -= seen
		if !whole && at.place.take(at.dir, entries <= 0 && !cached) > 0 {
			mounts--
			continue
		}
		switch {
		case at.depth > 0 && (len(found) > fewPrograms || len(found) > 0 && programDir(path.Base(at.dir))):
			at.place.Programs = append(at.place.Programs, Program{Path: at.dir, Dir: true})
			mounts--
			continue
		case len(found) > mounts:
			found = found[:mounts]
		}
		for _, name := range found {
			at.place.Programs = append(at.place.Programs, Program{Path: path.Join(at.dir, name)})
		}
		mounts -= len(found)
		for _, name := range dirs {
			dir := path.Join(at.dir, name)
			switch {
			case f.has(dir) || distributionState(dir):
			case cacheDir(name):
				caches = append(caches, level{at.place, dir, at.depth + 1})
			default:
				queue = append(queue, level{at.place, dir, at.depth + 1})
			}
		}
	}
	f.whole()
	for i := range f.found {
		slices.SortFunc(f.found[i].Programs, func(a, b Program) int { return strings.Compare(a.Path, b.Path) })
	}
}

// take has a directory that was not looked through count for one of programs if
// a name on the way to it says so: one that a package manager made, or, with all,
// one like lib. It takes the topmost and returns how many mounts that are.
//
// A place that a package manager made is taken as a whole, and is none: it stays
// read-only, as what is executed has to be.
func (p *Place) take(dir string, all bool) int {
	at := p.Path
	if !packageDir(path.Base(at)) {
		below := at
		at = ""
		for _, name := range strings.Split(strings.Trim(strings.TrimPrefix(dir, below), "/"), "/") {
			below = path.Join(below, name)
			if packageDir(name) || all && programDir(name) {
				at = below
				break
			}
		}
	}
	if at == "" || p.runs(at) {
		return 0
	}
	p.Programs = slices.DeleteFunc(p.Programs, func(q Program) bool { return within(q.Path, at) })
	p.Programs = append(p.Programs, Program{Path: at, Dir: true})
	return 1
}

// whole gives up the places that were taken as a whole. In a place around it,
// such a directory is one of programs.
func (f *finder) whole() {
	var taken []string
	f.found = slices.DeleteFunc(f.found, func(p Place) bool {
		if !p.runs(p.Path) {
			return false
		}
		taken = append(taken, p.Path)
		return true
	})
	for _, dir := range taken {
		var around *Place
		for i := range f.found {
			p := &f.found[i]
			if within(dir, p.Path) && !p.Empty && (around == nil || within(p.Path, around.Path)) {
				around = p
			}
		}
		if around != nil && !around.runs(dir) {
			around.Programs = append(around.Programs, Program{Path: dir, Dir: true})
		}
	}
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
// what looking at them counts for, at most about limit, and whether these are
// all.
func (f *finder) programsIn(dir string, depth, limit int) (found, dirs []string, seen int, whole bool) {
	fd, err := f.open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, nil, 1, true
	}
	defer unix.Close(fd)
	list, whole := entries(fd, min(limit, maxEntries))
	seen = len(list) + 1
	for _, e := range list {
		switch {
		case e.mode == unix.S_IFDIR:
			dirs = append(dirs, e.name)
		case e.mode != unix.S_IFREG || depth > 0 && isData(e.name):
		case seen >= limit:
			whole = false
		default:
			seen += statCost
			if !mayRun(fd, e.name) {
				continue
			}
			seen += readCost
			if isProgram(fd, e.name) {
				found = append(found, e.name)
			}
		}
	}
	return found, dirs, seen, whole
}

// isData reports whether a file's name says that it is no program. Right in a
// place names are not asked: an archive can be one (Spring Boot's).
func isData(name string) bool {
	switch path.Ext(name) {
	case ".class", ".conf", ".css", ".csv", ".gif", ".gz", ".h", ".html", ".jar", ".jpg", ".json", ".map", ".md", ".mo", ".png",
		".po", ".properties", ".pyc", ".sql", ".svg", ".ts", ".ttf", ".txt", ".war", ".woff", ".woff2", ".xml", ".yaml", ".yml", ".zip":
		return true
	}
	return false
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
