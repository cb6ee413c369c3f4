// SPDX-License-Identifier: Apache-2.0

package host

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/layers"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/profiles/presets"
)

// Place is a directory of the image that is made writable for the container's
// user. What is written there lies in memory and is gone with the container.
type Place struct {
	// Path is where it lies inside the rootfs, links followed.
	Path string
	// Why says by which rule it was found.
	Why Why
	// Empty says that the image has nothing there: an empty tmpfs does.
	Empty bool
	// UID and GID own it, as the container sees it; their files become the
	// container's user's.
	UID, GID uint32
	// Layers are the directories that it is merged from, topmost first.
	Layers []string
	// Added says that new files can be made in directories that stay root's,
	// in which nothing that the image ships can be changed or replaced.
	Added bool
	// Preset names the preset that asked for it, "" if none did; Exec says that
	// the preset or the profile lets what is written there be executed.
	Preset string
	Exec   bool
	// Programs are what the image has there to be executed. They stay so, and
	// read-only, in a place that is otherwise not executable.
	Programs []Program
}

// Why is the rule by which a place was found; it decides what may be done there.
type Why string

// The rules.
const (
	// Scratch: /tmp and /var/tmp, where every user may write (mode 1777).
	Scratch Why = "scratch"
	// Run: /run and /var/run.
	Run Why = "run"
	// Listed: the profile names it. Its owner's files become the container's
	// user's, whoever that owner is.
	Listed Why = "listed"
	// Service: the image gives it to a user of its own, or the container's own
	// user could write to it. Where the container starts as root, directories of
	// root's inside it take new files as under Work.
	Service Why = "service"
	// State: root's state directories, and the configuration of the program that
	// is started, where the container starts as root.
	State Why = "state"
	// Logs: root's directory with files of a service's user, where the container
	// starts as root. These become the container's user's, and new files can be
	// made; what is root's stays as it is.
	Logs Why = "logs"
	// Home: the home of the user that the image starts as.
	Home Why = "home"
	// Work: the working directory of a container that starts as root, most
	// often the application's code, and what is like it; and what root lets
	// everybody write to, if next to nothing is there. New files can be made;
	// what the image ships can be neither changed nor replaced.
	Work Why = "work"
	// Parts: the working directory, where it is root's and something inside it a
	// service's or the container's own user's. That becomes the container's
	// user's, and what is root's stays as it is. Where the container starts as
	// root new files can be made as under Work.
	Parts Why = "parts"
)

// maxPlaces bounds the mounts that one image can ask for.
const maxPlaces = 24

// usual are the directories that programs write to whatever the image: FHS 3.0
// sections 3.15 (/run), 3.18 (/tmp), 5.15 (/var/tmp); /var/run is the name of
// /run before FHS 3.0.
var usual = [...]Place{
	{Path: "/tmp", Why: Scratch},
	{Path: "/var/tmp", Why: Scratch},
	{Path: "/run", Why: Run},
	{Path: "/var/run", Why: Run},
}

// stateDirs are root's, and written to by services that start as root.
var stateDirs = [...]string{"/var/cache", "/var/lib", "/var/log", "/var/spool"}

// searched are the directories in which services have theirs, one level deep.
var searched = [...]string{
	"/", "/etc", "/home", "/opt", "/run", "/srv", "/usr", "/usr/local", "/usr/src",
	"/var", "/var/cache", "/var/lib", "/var/log", "/var/run", "/var/spool", "/var/www",
	"/tmp", "/var/tmp",
}

// closed reports whether a directory is never made writable as a whole: system
// programs, libraries and configuration, and what the kernel shows.
func closed(p string) bool {
	switch p {
	case "/", "/etc", "/usr", "/usr/local", "/usr/share", "/usr/src", "/var", "/opt", "/srv", "/home":
		return true
	}
	for _, dir := range [...]string{
		"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/boot", "/dev", "/proc", "/sys",
		"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/include",
		"/usr/local/bin", "/usr/local/sbin", "/usr/local/lib", "/usr/local/include",
		"/etc/ssl", "/etc/ld.so.conf.d", "/etc/pam.d", "/etc/apt", "/etc/alternatives",
	} {
		if within(p, dir) {
			return true
		}
	}
	return false
}

func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// User is whom the container was meant to start as, and where.
type User struct {
	UID, GID uint32
	Groups   []uint32
	Home     string // "" if the image names none
	Cwd      string
}

// finder collects places.
type finder struct {
	*rootfs
	doc     *spec.Document
	user    User
	layers  *layers.Layers
	profile *policy.Profile
	covered []string // where mounts of the spec lie
	found   []Place
	notes   []string
}

// places finds them. Where layers cannot be told, a place has none, and is shown
// in another way. The notes say which of those that the profile lists are left
// out.
func places(r *rootfs, doc *spec.Document, destinations map[*spec.Value]string, ls *layers.Layers, user User, profile *policy.Profile) ([]Place, []string) {
	f := finder{rootfs: r, doc: doc, user: user, layers: ls, profile: profile, covered: mountPoints(doc, destinations)}
	return f.find(), f.notes
}

// find says which directories are made writable. The rules, in order: the usual
// scratch directories; what the profile lists; what presets name; what the container's user owns or
// could write to; for a container that starts as root also what the image gives
// to users of its own or lets everybody write to, and root's state directories; the user's home; the working
// directory; where applications outside of it, and in /, write to by custom; and
// /etc/NAME of the program NAME that is started, or of a server NAME in sbin. A place is left out where the engine
// mounts something at it or above it, and where the image made it into something
// else than a directory.
//
// What each allows is said at [Why]. Nothing that is written can be executed,
// but for presets that say so; what the image has there to be executed can be,
// and is read-only.
func (f *finder) find() []Place {
	for _, u := range usual {
		f.usual(u)
	}
	for _, dir := range f.profile.Writable {
		f.listed(dir)
	}
	f.presets()
	if f.user.UID == 0 {
		for _, dir := range stateDirs {
			f.consider(dir, State)
		}
	}
	if f.user.Home != "" {
		f.consider(f.user.Home, Home)
	}
	for _, dir := range searched {
		f.search(dir)
	}
	f.logs()
	f.consider(f.user.Cwd, Work)
	f.search(f.user.Cwd)
	f.parts()
	for _, dir := range applications {
		f.applications(dir)
	}
	if f.user.UID == 0 {
		for _, name := range rootDirs {
			f.consider("/"+name, Work)
		}
	}
	f.arguments()
	f.servers()
	for i := range f.found {
		if p := &f.found[i]; f.profile.Runs(p.Path) {
			p.Exec = true
		}
	}
	f.programs()
	slices.SortFunc(f.found, func(a, b Place) int { return strings.Compare(a.Path, b.Path) })
	return f.found
}

// applications are the directories in which whole applications lie, each in a
// directory of its own (FHS 3.0 sections 3.13 and 4.9).
var applications = [...]string{"/opt", "/usr/local", "/srv"}

// runtimeDirs are the names that applications give to what they write to.
var runtimeDirs = [...]string{"cache", "data", "log", "logs", "run", "temp", "tmp", "var", "work"}

// rootDirs are those that an image's one application has in /.
var rootDirs = [...]string{"cache", "config", "data", "db", "log", "logs", "storage", "work"}

// applications looks at the applications in dir: what is a service's inside
// them and, for a container that starts as root, where they write to by custom.
func (f *finder) applications(dir string) {
	for _, e := range f.list(dir).entries {
		app := path.Join(dir, e.name)
		if e.mode != unix.S_IFDIR && e.mode != unix.S_IFLNK || closed(app) || f.has(app) {
			continue
		}
		f.search(app)
		if f.user.UID != 0 {
			continue
		}
		for _, name := range runtimeDirs {
			f.consider(path.Join(app, name), Work)
		}
	}
}

// presets takes the places that presets name for programs of the image.
func (f *finder) presets() {
	for i := range presets.All {
		p := &presets.All[i]
		if !f.hasAny(p.Programs) {
			continue
		}
		real, mode, err := f.resolve(p.Place)
		if err != nil || mode != unix.S_IFDIR {
			continue
		}
		n := len(f.found)
		if !f.has(real) {
			why := Service
			switch {
			case f.user.UID != 0 && (p.Added || p.Replaced):
				continue // a directory of root's, which the user could not write to
			case p.Added:
				why = Work
			case p.Replaced:
				why = State
			}
			f.consider(real, why)
			if len(f.found) == n {
				continue
			}
		}
		for j := range f.found {
			if q := &f.found[j]; q.Path == real {
				q.Preset, q.Exec = p.Name, p.Exec
			}
		}
	}
}

// hasAny reports whether the image has one of the files.
func (f *finder) hasAny(files []string) bool {
	for _, file := range files {
		if f.isFile(file) {
			return true
		}
	}
	return false
}

// arguments takes /etc/NAME for a program NAME in the command of a container
// that starts as root: where its entrypoint writes configuration at start, most
// often by changing or replacing what the image ships (nginx's templates).
func (f *finder) arguments() {
	if f.user.UID != 0 {
		return
	}
	for _, arg := range f.doc.Get("process", "args").Elems() {
		name := path.Base(arg.Str())
		if name == "." || name == "/" || strings.HasPrefix(name, "-") {
			continue
		}
		f.consider("/etc/"+name, State)
	}
}

// servers does the same for a server NAME that the image has in sbin (FHS 3.0
// sections 4.9 and 4.10): its command may be a script, or a line for a shell.
func (f *finder) servers() {
	if f.user.UID != 0 {
		return
	}
	for _, e := range f.list("/etc").entries {
		dir := "/etc/" + e.name
		if e.mode == unix.S_IFDIR && !f.has(dir) && (f.holds("/usr/sbin", e.name) || f.holds("/usr/local/sbin", e.name)) {
			f.weigh(dir, State)
		}
	}
}

// holds reports whether there is a file of a name in a directory. It is asked of
// many names: where the directory's listing is whole, that answers.
func (f *finder) holds(dir, name string) bool {
	l := f.list(dir)
	if mode, found := l.mode(name); !found && l.whole || found && mode == unix.S_IFREG {
		return found
	}
	return f.isFile(dir + "/" + name)
}
