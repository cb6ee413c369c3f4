// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"errors"
	"fmt"

	"github.com/runclad/runclad/internal/record"
)

// sandbox claims an ID for a sandbox that is being created, and for its pod.
func (s Store) sandbox(r Request) (Identity, error) {
	exists, err := record.StateExists(r.Flavor, r.Root, r.Sandbox)
	if err != nil {
		return Identity{}, err
	}
	if exists {
		return Identity{}, fmt.Errorf("sandbox %s: %w", r.Sandbox, record.ErrExists)
	}
	id, err := s.fresh(r)
	if err != nil {
		return Identity{}, err
	}
	err = s.retry(func() (bool, error) {
		ok, err := s.takePod(r.Root, r.Sandbox, podClaim{id.HostUID, id.HostGID, id.Block, r.creation()})
		if ok || err != nil {
			return ok, err
		}
		// The claim of an attempt before this one, then.
		c, err := s.podClaim(r.Root, r.Sandbox, id.Block)
		if errors.Is(err, errNoClaim) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		m := r.member(podMember)
		m.creation, m.block = c.creation, c.block
		alive, err := s.alive(m)
		if alive || err != nil {
			return false, errors.Join(fmt.Errorf("sandbox %s: %w", r.Sandbox, record.ErrExists), err)
		}
		return false, s.releasePod(r.Root, r.Sandbox, c.creation, c.block)
	})
	if err != nil {
		return Identity{}, errors.Join(err, s.leaveAll(r.Owner, id, r.members()))
	}
	return id, nil
}

// workload joins the claim of a pod. If the sandbox was created without one, it
// makes the claim; of several at once, one does. A pod whose containers are not
// all of one kind has two claims, an ID and a block.
func (s Store) workload(r Request) (Identity, error) {
	var id Identity
	err := s.retry(func() (bool, error) {
		c, err := s.podClaim(r.Root, r.Sandbox, r.block())
		if errors.Is(err, errNoClaim) {
			return s.claimForPod(r, &id)
		}
		if err != nil {
			return false, err
		}
		if id = blockIdentity(c.uid / BlockSize); !c.block {
			id, err = join(c.uid, c.gid, r.UIDs, r.GIDs, r.AsRoot)
		}
		if err != nil {
			return false, err
		}
		return s.joinPod(r, id, c)
	})
	return id, err
}

// claimForPod claims an ID and tries to put it in the pod's place.
func (s Store) claimForPod(r Request, id *Identity) (bool, error) {
	if err := s.sandboxExists(r.Owner); err != nil {
		return false, err
	}
	var err error
	*id, err = s.fresh(r)
	if err != nil {
		return false, err
	}
	ok, err := s.takePod(r.Root, r.Sandbox, podClaim{id.HostUID, id.HostGID, id.Block, r.creation()})
	if !ok {
		return false, errors.Join(err, s.leaveAll(r.Owner, *id, r.members()))
	}
	// Had the sandbox gone in between, the claim would only outlive it by this
	// container, which the engine then cannot start.
	return true, nil
}

// joinPod adds the container to the IDs of its pod's claim; false if the claim
// turned out to be void. The order of the questions is that of the package
// comment.
func (s Store) joinPod(r Request, id Identity, c podClaim) (bool, error) {
	m := r.member(containerMember)
	undo := func(err error) (bool, error) {
		return false, errors.Join(err, s.leaveAll(r.Owner, id, []member{m}))
	}
	for _, host := range id.hosts() {
		if ok, err := s.enter(host, m); !ok {
			if err == nil {
				err = s.sandboxExists(r.Owner)
			}
			return undo(err)
		}
		there, err := s.uids.Exists(host + "/" + podMember + c.creation)
		if err != nil {
			return undo(err)
		}
		if !there {
			return undo(s.sandboxExists(r.Owner))
		}
	}
	if err := s.sandboxExists(r.Owner); err != nil {
		return undo(err)
	}
	now, err := s.podClaim(r.Root, r.Sandbox, c.block)
	if errors.Is(err, errNoClaim) || err == nil && now != c {
		return undo(nil)
	}
	if err != nil {
		return undo(err)
	}
	return true, nil
}

func (s Store) sandboxExists(o Owner) error {
	exists, err := record.StateExists(o.Flavor, o.Root, o.Sandbox)
	if err != nil {
		return err
	}
	if !exists {
		return fmt.Errorf("%s/%s: %w", o.Root, o.Sandbox, ErrNoSandbox)
	}
	return nil
}
