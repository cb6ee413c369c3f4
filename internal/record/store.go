// SPDX-License-Identifier: Apache-2.0

package record

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/runclad/runclad/internal/record/rundir"
	"golang.org/x/sys/unix"
)

// DefaultDir is where run state is kept.
const DefaultDir = "/run/runclad"

// Errors of a Store.
var (
	// ErrNoRecord: runclad did not create the container, or has let go of it.
	ErrNoRecord = errors.New("no record of the container")
	// ErrExists: the container exists or is being created by somebody else.
	ErrExists = errors.New("the container exists already")
)

// NewPrefix begins the names of folders that are being prepared; what follows
// is the creation they belong to. No container ID begins with a period.
const NewPrefix = ".new."

// Names in the run state that package prelude knows, too.
const (
	ContainerDir = "container" // one folder for each container, by its Key
	ReadyName    = "ready"     // in a creation's folder: see MarkReady
)

const (
	recordName  = "record.json"
	recordLimit = 1 << 20
)

// names are all that a creation's folder may hold; the record goes first.
var names = []string{recordName, "passwd", "group", NetnsName, ReadyName}

// Store is the run state below one folder.
type Store struct {
	dir        rundir.Dir
	containers rundir.Dir
}

// NetnsName is the file that gives a network namespace its name, in the mount
// namespace of the runtime alone (stage.Pin). To everybody else it is empty, and
// there for what looks at the spec when the container runs: runc's checkpoint
// tells CRIU by the inode of such a file which namespace is another's.
const NetnsName = "netns"

// IsNetns reports whether a path is the name that a container's network
// namespace has been given: its spec was hardened before.
func IsNetns(path string) bool {
	return strings.HasPrefix(path, DefaultDir+"/"+ContainerDir+"/") && strings.HasSuffix(path, "/"+NetnsName)
}

// File is a file that is kept next to a record, readable for everyone (0644): it
// is mounted into the container, or mounted over.
type File struct {
	Name string // "passwd", "group" or NetnsName
	Data []byte
}

// Open opens the run state, and makes the folder if it is absent. The error
// wraps rundir.ErrUntrusted if others could have written to it.
func Open(dir string) (Store, error) {
	d, err := rundir.Open(dir)
	if err != nil {
		return Store{}, fmt.Errorf("run state: %w", err)
	}
	c, err := d.Sub(ContainerDir)
	if err != nil {
		d.Close()
		return Store{}, fmt.Errorf("run state: %w", err)
	}
	return Store{dir: d, containers: c}, nil
}

// Named returns the store at a folder that is neither opened nor made: Path
// works, and everything else fails.
func Named(dir string) Store {
	d := rundir.Named(dir)
	return Store{dir: d, containers: rundir.Named(d.Path(ContainerDir))}
}

// Close closes the store's folders.
func (s Store) Close() {
	s.containers.Close()
	s.dir.Close()
}

// Dir is the folder of the run state, for other packages that keep theirs there.
func (s Store) Dir() rundir.Dir { return s.dir }

// Path returns where a file next to the record is, for use as the source of a
// mount.
func (s Store) Path(r Record, name string) string {
	return s.containers.Path(r.key() + "/" + r.Creation() + "/" + name)
}

// Write puts the record and the files beside it in place, at once or not at
// all. It is an ErrExists if the runtime has state for the container, or if
// another process is about to create it.
//
// The claim on the container's UID has to be made before: reclaiming starts
// from the claims.
func (s Store) Write(r Record, files ...File) (err error) {
	if err := r.check(); err != nil {
		return fmt.Errorf("record of container %s: %w", r.ID, err)
	}
	creation := r.Creation()
	tmp := NewPrefix + creation
	folder := tmp + "/" + creation
	if err := s.containers.Mkdir(tmp); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.containers.Clear(folder, names...), s.rmdir(tmp))
		}
	}()
	if err := s.containers.Mkdir(folder); err != nil {
		return err
	}
	if err := s.containers.Create(folder+"/"+recordName, 0o600, r.encode()); err != nil {
		return err
	}
	for _, f := range files {
		switch f.Name {
		case "passwd", "group", NetnsName:
		default:
			return fmt.Errorf("record of container %s: file %q has no place there", r.ID, f.Name)
		}
		if err := s.containers.Create(folder+"/"+f.Name, 0o644, f.Data); err != nil {
			return err
		}
	}
	if r.Block == BlockAtCreate || r.Block == BlockAllowed {
		if err := s.ready(folder, r); err != nil {
			return err
		}
	}
	// Each turn either ends the loop or has seen one creation go; other
	// processes that keep creating this very container get ErrExists.
	for range 8 {
		exists, err := StateExists(r.Flavor, r.Root, r.ID)
		if err != nil {
			return err
		}
		if exists {
			return fmt.Errorf("%s/%s: %w", r.Root, r.ID, ErrExists)
		}
		err = s.containers.Rename(tmp, r.key())
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.EEXIST) {
			return err
		}
		if err := s.evict(&r); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: %w", s.containers.Path(r.key()), ErrExists)
}

// evict removes what an earlier creation of the container has left, now that
// the runtime has no state for it.
func (s Store) evict(r *Record) error {
	creations, err := s.containers.Names(r.key())
	if err != nil {
		return err
	}
	for _, c := range creations {
		old, err := s.read(r.key(), c)
		if err == nil && (old.Root != r.Root || old.ID != r.ID) {
			return fmt.Errorf("%s belongs to container %s of %s", s.containers.Path(r.key()), old.ID, old.Root)
		}
		if err != nil && !errors.Is(err, ErrNoRecord) {
			return err
		}
		p, err := Creator(c)
		if err != nil {
			return err
		}
		alive, err := p.Alive()
		if err != nil {
			return err
		}
		if alive {
			return fmt.Errorf("process %d is creating it: %w", p.PID, ErrExists)
		}
		if err := s.Discard(r.Root, r.ID, c); err != nil {
			return err
		}
	}
	return nil
}

// Read returns the record of a container: ErrNoRecord if there is none, and
// another error for anything that runclad would not have written.
func (s Store) Read(root, id string) (Record, error) {
	if err := errors.Join(CheckRoot(root), CheckID(id)); err != nil {
		return Record{}, err
	}
	key := Key(root, id)
	creations, err := s.containers.Names(key)
	if err != nil {
		return Record{}, err
	}
	switch len(creations) {
	case 0:
		return Record{}, fmt.Errorf("%s: %w", s.containers.Path(key), ErrNoRecord)
	case 1:
	default:
		return Record{}, fmt.Errorf("%s holds %d creations", s.containers.Path(key), len(creations))
	}
	r, err := s.read(key, creations[0])
	if err != nil {
		return Record{}, err
	}
	if r.Root != root || r.ID != id {
		return Record{}, fmt.Errorf("%s belongs to container %s of %s", s.containers.Path(key), r.ID, r.Root)
	}
	return r, nil
}

func (s Store) read(key, creation string) (Record, error) {
	name := key + "/" + creation + "/" + recordName
	data, err := s.containers.Read(name, recordLimit)
	if errors.Is(err, unix.ENOENT) {
		return Record{}, fmt.Errorf("%s: %w", s.containers.Path(name), ErrNoRecord)
	}
	if err != nil {
		return Record{}, err
	}
	r, err := decode(data)
	if err == nil && (r.key() != key || r.Creation() != creation) {
		err = errors.New("it describes another container than its folder's name")
	}
	if err != nil {
		return Record{}, fmt.Errorf("%s: %w", s.containers.Path(name), err)
	}
	return r, nil
}

// Creations lists the creations of all containers, those without a record and
// those still being prepared (key "") included.
func (s Store) Creations(each func(key, creation string) error) error {
	keys, err := s.containers.Names("")
	if err != nil {
		return err
	}
	for _, key := range keys {
		if c, ok := strings.CutPrefix(key, NewPrefix); ok {
			if err := each("", c); err != nil {
				return err
			}
			continue
		}
		creations, err := s.containers.Names(key)
		if err != nil {
			return err
		}
		for _, c := range creations {
			if err := each(key, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// List returns all records, those of dead containers included, and an error
// that names those it could not read.
func (s Store) List() ([]Record, error) {
	var out []Record
	var errs []error
	err := s.Creations(func(key, creation string) error {
		if key == "" {
			return nil
		}
		r, err := s.read(key, creation)
		switch {
		case err == nil:
			out = append(out, r)
		case !errors.Is(err, ErrNoRecord):
			errs = append(errs, err)
		}
		return nil
	})
	return out, errors.Join(append(errs, err)...)
}

// Superseded reports whether another creation than the given one has taken the
// place of a container's record.
func (s Store) Superseded(root, id, creation string) (bool, error) {
	key := Key(root, id)
	if this, err := s.containers.Exists(key + "/" + creation); this || err != nil {
		return false, err
	}
	creations, err := s.containers.Names(key)
	if err != nil {
		return false, err
	}
	return len(creations) > 0 && !slices.Contains(creations, creation), nil
}

// Remove removes a record and what lies beside it; that it is gone already is
// no error. A record of a later creation of the same container stays.
func (s Store) Remove(r Record) error { return s.Discard(r.Root, r.ID, r.Creation()) }

// Discard removes whatever a creation of a container has left, at any stage.
// The record goes first: without it nobody takes the rest for a container.
func (s Store) Discard(root, id, creation string) error {
	if err := s.discard(Key(root, id), creation); err != nil {
		return err
	}
	return s.discardNew(creation)
}

func (s Store) discard(key, creation string) error {
	if err := s.containers.Clear(key+"/"+creation, names...); err != nil {
		return err
	}
	return s.rmdir(key)
}

// discardNew removes what was being prepared; seldom is there anything.
func (s Store) discardNew(creation string) error {
	tmp := NewPrefix + creation
	if gone, err := s.containers.Rmdir(tmp); gone || err != nil {
		return err
	}
	return s.discard(tmp, creation)
}

func (s Store) rmdir(name string) error {
	_, err := s.containers.Rmdir(name)
	return err
}

// Reap removes a creation that List and Creations show, if it is dead, and
// reports whether it was. Without a record no container can have come of it, as
// the runtime is executed after Write: then only the creator counts.
func (s Store) Reap(key, creation string) (bool, error) {
	p, err := Creator(creation)
	if err != nil {
		return false, err
	}
	if alive, err := p.Alive(); alive || err != nil {
		return false, err
	}
	if key == "" {
		return true, s.discardNew(creation)
	}
	r, err := s.read(key, creation)
	if err == nil {
		if alive, err := r.Alive(); alive || err != nil {
			return false, err
		}
	} else if !errors.Is(err, ErrNoRecord) {
		return false, err
	}
	return true, s.discard(key, creation)
}

// MarkReady notes that nothing is left to be done before the container may run
// something: its metadata block stands, or is not wanted. Write notes it by
// itself where create sees to that.
func (s Store) MarkReady(r Record) error {
	err := s.ready(r.key()+"/"+r.Creation(), r)
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	if errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("container %s: %w", r.ID, ErrNoRecord)
	}
	return err
}

// ready makes the file that package prelude looks for, so that `start` is handed
// off at once. It holds what the folder's name has only a hash of.
func (s Store) ready(folder string, r Record) error {
	return s.containers.Create(folder+"/"+ReadyName, 0o600, []byte(r.Root))
}

// Ready reports whether MarkReady has been called for the container.
func (s Store) Ready(r Record) (bool, error) {
	return s.containers.Exists(r.key() + "/" + r.Creation() + "/" + ReadyName)
}
