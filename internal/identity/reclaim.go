// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"errors"
	"strings"

	"github.com/runclad/runclad/internal/record"
	"golang.org/x/sys/unix"
)

// Swept counts what was removed, and what stays.
type Swept struct {
	Members int // dead members of IDs, each with its record
	IDs     int // IDs freed
	Records int // records that no member led to
	Alive   int // members that stay
}

// membersPerVisit bounds how many members of one ID a visit looks at. Most IDs
// have one; those of a pod have one for each container.
const membersPerVisit = 8

// Reclaim visits a few IDs, where the visit before has left off, and frees what
// is dead. It is called at every create and costs the same however many there
// are: one chunk of folder entries, that is up to three IDs. An error says what
// could not be judged and was left alone; it is no reason to refuse a container.
//
// If each create leaves one dead ID behind, k are visited, and A are alive, then
// the number D of dead ones settles where k·D/(A+D) = 1: for k = 3 at half the
// number of those alive.
func (s Store) Reclaim() (Swept, error) {
	var folders []string
	var list error
	err := s.state.Cursor("cursor", func(at int64) int64 {
		var next int64
		folders, next, list = s.uids.Chunk(at)
		if len(folders) == 0 && list == nil && at != 0 {
			folders, next, list = s.uids.Chunk(0)
		}
		return next
	})
	var w Swept
	errs := []error{err, list}
	for _, f := range folders {
		errs = append(errs, s.visit(f, membersPerVisit, &w))
	}
	return w, errors.Join(errs...)
}

// Sweep visits everything, in time that grows with it.
func (s Store) Sweep() (Swept, error) {
	var w Swept
	folders, err := s.uids.Names("")
	errs := []error{err}
	for _, f := range folders {
		errs = append(errs, s.visit(f, 0, &w))
	}
	err = s.records.Creations(func(key, creation string) error {
		reaped, err := s.records.Reap(key, creation)
		if reaped {
			w.Records++
		}
		errs = append(errs, err)
		return nil
	})
	return w, errors.Join(append(errs, err, s.sweepPods())...)
}

// visit removes the dead members of an ID, of limit that it looks at (0: all),
// and the ID if none is left.
func (s Store) visit(folder string, limit int, w *Swept) error {
	if creation, ok := strings.CutPrefix(folder, record.NewPrefix); ok {
		return s.visitNew(folder, creation, w)
	}
	names, err := s.uids.Names(folder)
	if err != nil {
		return err
	}
	start := uint64(0)
	if limit <= 0 || limit >= len(names) {
		limit = len(names)
	} else if start, err = random64(); err != nil {
		return err
	}
	var errs []error
	alive := false
	for i := range limit {
		m, err := s.member(folder, names[(start+uint64(i))%uint64(len(names))])
		if err == nil {
			var lives bool
			lives, err = s.alive(m)
			if !lives && err == nil {
				err = s.bury(folder, m)
				w.Members++
				if err == nil {
					continue
				}
			}
		}
		if errors.Is(err, unix.ENOENT) {
			continue // another reclaimer was faster
		}
		alive = true // or cannot be removed
		w.Alive++
		errs = append(errs, err)
	}
	if !alive {
		gone, err := s.uids.Rmdir(folder)
		if gone {
			w.IDs++
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// visitNew removes a claim that was being prepared when its creator was killed.
// Nobody but the creator would have renamed it.
func (s Store) visitNew(folder, creation string, w *Swept) error {
	p, err := record.Creator(creation)
	if err != nil {
		return err
	}
	if alive, err := p.Alive(); alive || err != nil {
		return err
	}
	w.IDs++
	return s.uids.Clear(folder)
}

// sweepPods removes what is left in the places of pods without a p. member to
// lead there. Reclaim has no need of it: nothing of runclad's leaves such.
func (s Store) sweepPods() error {
	keys, err := s.pods.Names("")
	if err != nil {
		return err
	}
	var errs []error
	for _, key := range keys {
		if creation, ok := strings.CutPrefix(key, record.NewPrefix); ok {
			p, err := record.Creator(creation)
			if err == nil {
				var alive bool
				if alive, err = p.Alive(); !alive && err == nil {
					err = s.pods.Clear(key)
				}
			}
			errs = append(errs, err)
			continue
		}
		names, err := s.pods.Names(key)
		errs = append(errs, err)
		for _, name := range names {
			errs = append(errs, s.sweepPod(key, name))
		}
		_, err = s.pods.Rmdir(key)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (s Store) sweepPod(key, name string) error {
	c, err := parsePodClaim(name)
	if err != nil {
		return err
	}
	p, err := record.Creator(c.creation)
	if err != nil {
		return err
	}
	if alive, err := p.Alive(); alive || err != nil {
		return err
	}
	id := Identity{HostUID: c.uid, HostGID: c.gid, Block: c.block}
	for _, host := range id.hosts() {
		if there, err := s.uids.Exists(host + "/" + podMember + c.creation); there || err != nil {
			return err
		}
	}
	return s.pods.Unlink(key + "/" + name)
}
