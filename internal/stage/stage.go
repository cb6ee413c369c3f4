// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Dir is where the stage is, in its own mount namespace; on the host it is an
// empty directory. It lies in no closed one: where the container has a user
// namespace, the runtime walks to the rootfs as the container's root.
const Dir = "/run/runclad-stage"

// Stage is the shim's mount namespace and the tmpfs in it that takes what the
// container writes.
type Stage struct {
	// ImageRoot is who the image's root is on the host, where the layers hold the
	// IDs of a user namespace.
	ImageRoot uint32
	dry       bool
	n         int
	idmaps    []known
}

type known struct {
	owner Owner
	fd    int
}

// Enter moves the calling thread, which must be locked to its goroutine and be
// the one that calls execve(2), into a mount namespace of its own.
func Enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare the mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("make / rslave: %w", err)
	}
	return nil
}

// Open enters a mount namespace, see [Enter], and mounts a tmpfs of at most size
// bytes there. It takes all that the container writes to its overlays.
func Open(size int64) (*Stage, error) {
	if err := ensure(Dir); err != nil {
		return nil, err
	}
	if err := Enter(); err != nil {
		return nil, err
	}
	data := "mode=0711,size=" + strconv.FormatInt(size, 10)
	if err := unix.Mount("tmpfs", Dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, data); err != nil {
		return nil, fmt.Errorf("mount tmpfs on %s (%s): %w", Dir, data, err)
	}
	// The lower layers and volumes that are attached here must not be seen by
	// peers of this mount either.
	if err := unix.Mount("", Dir, "", unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("make %s private: %w", Dir, err)
	}
	return &Stage{}, nil
}

// Dry returns a stage that names the places that it would mount things at, and
// mounts nothing: for saying what would be done.
func Dry() *Stage { return &Stage{dry: true} }

// mergedName is where an overlay is shown in its folder.
const mergedName = "/merged"

// next names the next place.
func (s *Stage) next() string {
	s.n++
	return Dir + "/" + strconv.Itoa(s.n-1)
}

// folder makes the next folder of the stage.
func (s *Stage) folder(names ...string) (string, error) {
	dir := s.next()
	for _, d := range append([]string{dir}, names...) {
		if d != dir {
			d = dir + "/" + d
		}
		if err := os.Mkdir(d, 0o755); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// Volume returns a path at which what is open as source, and is called name, is
// shown, with its owner mapped or, without one, as it is. Mounts of the host that
// come later are seen below it as they are at its own place.
func (s *Stage) Volume(source int, name string, o *Owner) (string, error) {
	if s.dry {
		return s.next(), nil
	}
	fd, err := openTree(source, "", name, unix.AT_RECURSIVE)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	if o != nil {
		if err := s.set(fd, name, o, unix.MountAttr{}); err != nil {
			return "", err
		}
	}
	return s.show(fd, name)
}

// show attaches a mount of source at a folder or file of its own.
func (s *Stage) show(fd int, source string) (string, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", &os.PathError{Op: "stat", Path: source, Err: err}
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		target, err := s.folder()
		if err != nil {
			return "", err
		}
		return target, attach(fd, target)
	}
	target := s.next()
	if err := unix.Mknod(target, unix.S_IFREG|0o600, 0); err != nil {
		return "", &os.PathError{Op: "make", Path: target, Err: err}
	}
	return target, attach(fd, target)
}

// Overlay returns a path at which the merged content of lowers, topmost first,
// is shown and can be changed by the owner, whose files become the container's;
// what is changed goes to the stage's tmpfs.
//
// Nothing in it can be executed, unless exec says so.
func (s *Stage) Overlay(lowers []string, o Owner, exec bool) (string, error) {
	if s.dry {
		return s.next() + mergedName, nil
	}
	return s.overlay(lowers, &o, 0, exec)
}

// addable is the mode of a directory to which everybody may add and in which
// nobody may change what is another's (inode(7), the sticky bit).
const addable = 0o1777

const (
	// maxAddable bounds the directories below that are opened in this way, and
	// maxAddableDepth how far down they lie.
	maxAddable      = 64
	maxAddableDepth = 3
)

// Beside returns a path at which the merged content of lowers is shown as it
// is, or with another owner, and new files can be made beside it and in root's
// directories below.
func (s *Stage) Beside(lowers []string, o *Owner) (string, error) {
	if s.dry {
		return s.next() + mergedName, nil
	}
	merged, err := s.overlay(lowers, o, addable, false)
	if err != nil {
		return "", err
	}
	return merged, s.addTo(merged)
}

// Add opens root's directories below an overlay's top, so that new files can be
// made in them.
func (s *Stage) Add(merged string) error {
	if s.dry {
		return nil
	}
	return s.addTo(merged)
}

// addTo makes directories that only root could write to addable. Those that
// others may not even enter keep their mode: it hides something.
func (s *Stage) addTo(merged string) error {
	type level struct {
		dir   string
		depth int
	}
	queue := []level{{merged, 1}}
	for n := 0; len(queue) > 0 && n < maxAddable; {
		at := queue[0]
		queue = queue[1:]
		entries, err := readSome(at.dir)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if !entry.IsDir() || n == maxAddable || codeOfOthers(entry.Name()) {
				continue
			}
			dir := at.dir + "/" + entry.Name()
			var st unix.Stat_t
			if err := unix.Lstat(dir, &st); err != nil {
				return &os.PathError{Op: "stat", Path: dir, Err: err}
			}
			if st.Uid != 0 && st.Uid != s.ImageRoot || st.Mode&0o005 != 0o005 {
				continue
			}
			n++
			if err := unix.Fchmodat(unix.AT_FDCWD, dir, addable, unix.AT_SYMLINK_NOFOLLOW); err != nil {
				return &os.PathError{Op: "chmod", Path: dir, Err: err}
			}
			if at.depth < maxAddableDepth && entry.Name() != "node_modules" { // itself, for .cache
				queue = append(queue, level{dir, at.depth + 1})
			}
		}
	}
	return nil
}

// maxEntries bounds how much of one directory is read.
const maxEntries = 256

func readSome(dir string) ([]os.DirEntry, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir(maxEntries)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return entries, nil
}

// codeOfOthers reports whether a directory holds what an application is made
// of and never writes to: opening it would only cost time.
func codeOfOthers(name string) bool {
	switch name {
	case "bin", "sbin", "lib", "lib64", "libexec", "site-packages", "venv", ".venv", "vendor", ".git", "jre", "jdk":
		return true
	}
	return false
}

// Program returns a path at which a file or directory of the rootfs is shown as
// it is, read-only.
func (s *Stage) Program(source string) (string, error) {
	if s.dry {
		return s.next(), nil
	}
	fd, err := s.cloneAs(source, nil, unix.MOUNT_ATTR_RDONLY)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return s.show(fd, source)
}

// Programs returns a path at which the merged content of lowers is shown,
// read-only and with the owner mapped.
func (s *Stage) Programs(lowers []string, o Owner) (string, error) {
	if s.dry && len(lowers) == 1 {
		return s.next(), nil
	} else if s.dry {
		return s.next() + mergedName, nil
	}
	if len(lowers) == 1 { // an overlay needs two layers or an upper one
		fd, err := s.cloneAs(lowers[0], &o, unix.MOUNT_ATTR_RDONLY)
		if err != nil {
			return "", err
		}
		defer unix.Close(fd)
		return s.show(fd, lowers[0])
	}
	dir, names, err := s.lowers(lowers, &o, "merged")
	if err != nil {
		return "", err
	}
	return dir + mergedName, mountOverlay(dir, "lowerdir="+strings.Join(names, ":"), unix.MS_RDONLY)
}

func (s *Stage) overlay(lowers []string, o *Owner, mode uint32, exec bool) (string, error) {
	dir, names, err := s.lowers(lowers, o, "upper", "work", "merged")
	if err != nil {
		return "", err
	}
	if err := like(dir+"/upper", dir+"/"+names[0], mode); err != nil {
		return "", err
	}
	data := "lowerdir=" + strings.Join(names, ":") + ",upperdir=upper,workdir=work,xino=off,index=off"
	var flags uintptr = unix.MS_NOEXEC
	if exec {
		flags = 0
	}
	return dir + mergedName, mountOverlay(dir, data, flags)
}

// lowers makes a folder with the named ones in it, and attaches the layers
// beside them; it returns the folder and the layers' names there.
func (s *Stage) lowers(lowers []string, o *Owner, names ...string) (string, []string, error) {
	dir, err := s.folder(names...)
	if err != nil {
		return "", nil, err
	}
	out := make([]string, len(lowers))
	for i, lower := range lowers {
		fd, err := s.clone(lower, o)
		if err != nil {
			return "", nil, err
		}
		out[i] = "l" + strconv.Itoa(i)
		if err = os.Mkdir(dir+"/"+out[i], 0o700); err == nil {
			err = attach(fd, dir+"/"+out[i])
		}
		_ = unix.Close(fd)
		if err != nil {
			return "", nil, err
		}
	}
	return dir, out, nil
}

// like gives the upper directory the owner of the topmost lower one, which
// overlayfs shows for the merged directory, and its mode unless one is given.
func like(upper, lower string, mode uint32) error {
	var st unix.Stat_t
	if err := unix.Stat(lower, &st); err != nil {
		return &os.PathError{Op: "stat", Path: lower, Err: err}
	}
	if mode == 0 {
		mode = st.Mode & 0o1777
	}
	return errors.Join(unix.Chown(upper, int(st.Uid), int(st.Gid)), unix.Chmod(upper, mode))
}

// mountOverlay mounts by names relative to dir: mount(2) takes a page of
// options, and paths are long.
func mountOverlay(dir, data string, flags uintptr) error {
	here, err := unix.Open(".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: ".", Err: err}
	}
	defer unix.Close(here)
	if err := unix.Chdir(dir); err != nil {
		return &os.PathError{Op: "chdir", Path: dir, Err: err}
	}
	err = unix.Mount("overlay", "merged", "overlay", flags|unix.MS_NOSUID|unix.MS_NODEV, data)
	if err != nil {
		err = fmt.Errorf("mount overlay on %s/merged (%s): %w", dir, data, err)
	}
	if back := unix.Fchdir(here); back != nil {
		err = errors.Join(err, fmt.Errorf("return to the working directory: %w", back))
	}
	return err
}

// clone returns a detached mount of source with the owner mapped.
func (s *Stage) clone(source string, o *Owner) (int, error) {
	return s.cloneAs(source, o, 0)
}

// cloneAs is clone with further attributes of the mount.
func (s *Stage) cloneAs(source string, o *Owner, attributes uint64) (int, error) {
	fd, err := openTree(unix.AT_FDCWD, source, source, 0)
	if err != nil {
		return -1, err
	}
	if err := s.set(fd, source, o, unix.MountAttr{Attr_set: attributes, Propagation: unix.MS_PRIVATE}); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// openTree returns a detached mount of path below dir, or, where path is "", of
// what is open as dir (open_tree(2), Linux 5.2), with AT_RECURSIVE of what is
// mounted below it as well. The source is called name.
func openTree(dir int, path, name string, flags uint) (int, error) {
	if path == "" {
		flags |= unix.AT_EMPTY_PATH
	}
	fd, err := unix.OpenTree(dir, path, flags|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, &os.PathError{Op: "open_tree", Path: name, Err: err}
	}
	return fd, nil
}

// set gives a detached mount attributes, makes it nosuid and nodev, and maps its
// owner (mount_setattr(2), Linux 5.12).
func (s *Stage) set(fd int, source string, o *Owner, attr unix.MountAttr) error {
	attr.Attr_set |= unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	if o != nil && *o != (Owner{}) {
		userns, err := s.idmap(*o)
		if err != nil {
			return err
		}
		attr.Attr_set |= unix.MOUNT_ATTR_IDMAP
		attr.Userns_fd = uint64(userns)
	}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		return &os.PathError{Op: "mount_setattr (idmap, nosuid, nodev)", Path: source, Err: err}
	}
	return nil
}

// idmap keeps one user namespace for each owner.
func (s *Stage) idmap(o Owner) (int, error) {
	for _, k := range s.idmaps {
		if k.owner == o {
			return k.fd, nil
		}
	}
	fd, err := idmap(o)
	if err == nil {
		s.idmaps = append(s.idmaps, known{o, fd})
	}
	return fd, err
}

func attach(fd int, target string) error {
	if err := unix.MoveMount(fd, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return &os.PathError{Op: "move_mount", Path: target, Err: err}
	}
	return nil
}
