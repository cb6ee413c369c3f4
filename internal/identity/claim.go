// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/record/rundir"
	"golang.org/x/sys/unix"
)

// ErrNoSandbox is wrapped by Claim for a container of a pod whose sandbox the
// runtime does not know.
var ErrNoSandbox = errors.New("the runtime has no such sandbox")

// Store is the claims on IDs, below the folder of the run state.
type Store struct {
	records           record.Store
	state, uids, pods rundir.Dir
}

// Open opens the claims next to the records.
func Open(records record.Store) (Store, error) {
	s := Store{records: records, state: records.Dir()}
	var err error
	if s.uids, err = s.state.Sub("uid"); err != nil {
		return Store{}, fmt.Errorf("claims: %w", err)
	}
	if s.pods, err = s.state.Sub("pod"); err != nil {
		s.uids.Close()
		return Store{}, fmt.Errorf("claims: %w", err)
	}
	return s, nil
}

// Close closes the store's folders, not those of the records.
func (s Store) Close() {
	s.uids.Close()
	s.pods.Close()
}

// Owner is the container that a claim is for.
type Owner struct {
	Root, ID, Flavor string         // as in record.Record
	Sandbox          string         // "" for none; equal to ID for the sandbox itself
	Creator          record.Process // record.Self in the shim
}

func (o Owner) creation() string { return record.Creation(o.Creator, o.Root, o.ID) }

func (o Owner) member(kind string) member {
	m := member{kind: kind, creation: o.creation(), flavor: o.Flavor, root: o.Root, id: o.ID}
	if kind == podMember {
		m.id = o.Sandbox
	}
	return m
}

// members are those of a claim of its own; one that joins has only the first.
func (o Owner) members() []member {
	if o.Sandbox == "" {
		return []member{o.member(containerMember)}
	}
	return []member{o.member(containerMember), o.member(podMember)}
}

func (o Owner) check() error {
	err := errors.Join(record.CheckRoot(o.Root), record.CheckID(o.ID), record.CheckProcess(o.Creator))
	if o.Sandbox != "" {
		err = errors.Join(err, record.CheckID(o.Sandbox))
	}
	if o.Flavor != "runc" && o.Flavor != "crun" {
		err = errors.Join(err, fmt.Errorf("runtime flavor %q is unknown", o.Flavor))
	}
	return err
}

// Request is what Claim needs to know.
type Request struct {
	Owner
	Range      Range     // DefaultRange or the policy's; not used with mappings
	Paths      Paths     // HostPaths
	UIDs, GIDs []Mapping // the container's user namespace, if its engine gives it one
	// AsRoot asks to be UID and GID 0 in a user namespace: that of UIDs and
	// GIDs, or, without one, one to which a block of IDs is given.
	AsRoot bool
}

// Identity is a UID and GID, inside the container and on the host. Both are the
// same without a user namespace. UID and GID are equal.
type Identity struct {
	UID, GID         uint32
	HostUID, HostGID uint32
	// Block says that the container has BlockSize IDs, from HostUID and HostGID
	// on, for a user namespace of its own, in which they begin at 0.
	Block bool
}

// hosts are the names under which the host IDs have to be claimed.
func (i Identity) hosts() []string {
	if i.Block {
		return []string{blockName(i.HostUID / BlockSize)}
	}
	uid := strconv.FormatUint(uint64(i.HostUID), 10)
	if i.HostGID == i.HostUID {
		return []string{uid}
	}
	return []string{uid, strconv.FormatUint(uint64(i.HostGID), 10)}
}

// Claim gives a container an ID that no other container of the node has, and
// keeps it until the container is gone. The containers of one sandbox get the
// same. It is an ErrNoSandbox if the container names a sandbox that the runtime
// does not know, an ErrNoID if nothing is left to give.
//
// What it does costs the same however many claims there are, but for a block,
// for which the names of all claims are read once.
func (s Store) Claim(r Request) (Identity, error) {
	if err := r.check(); err != nil {
		return Identity{}, fmt.Errorf("claim for container %s: %w", r.ID, err)
	}
	var id Identity
	var err error
	switch r.Sandbox {
	case "":
		id, err = s.fresh(r)
	case r.ID:
		id, err = s.sandbox(r)
	default:
		id, err = s.workload(r)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("claim for container %s: %w", r.ID, err)
	}
	return id, nil
}

// Hold notes that a container runs under IDs that it was given by other means,
// by policy or by its image: they are then not given to anybody else. Others
// may hold them as well. Without a claim or a hold, a record would not be found
// by Reclaim.
func (s Store) Hold(o Owner, id Identity) error {
	if err := o.check(); err != nil {
		return fmt.Errorf("hold for container %s: %w", o.ID, err)
	}
	members := []member{o.member(containerMember)}
	if !id.Block {
		clash, err := s.clashes(id)
		if err == nil && clash {
			err = fmt.Errorf("ID %d or %d belongs to the user namespace of another container: %w", id.HostUID, id.HostGID, ErrNoID)
		}
		if err != nil {
			return fmt.Errorf("hold for container %s: %w", o.ID, err)
		}
	}
	for _, host := range id.hosts() {
		err := s.retry(func() (bool, error) {
			ok, err := s.take(host, members)
			if ok || err != nil {
				return ok, err
			}
			return s.enter(host, members[0])
		})
		if err != nil {
			return fmt.Errorf("hold for container %s: %w", o.ID, err)
		}
	}
	return nil
}

// Release undoes Claim and Hold for a container that is not going to be. That
// there is nothing to undo is no error. The claim of a pod stays if the sandbox
// exists: others may have joined it.
func (s Store) Release(o Owner, id Identity) error {
	members := []member{o.member(containerMember)}
	if o.Sandbox == o.ID {
		members = o.members()
	}
	var errs []error
	for _, host := range id.hosts() {
		for _, m := range members {
			errs = append(errs, s.bury(host, m))
		}
		_, err := s.uids.Rmdir(host)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// How often random IDs are tried before all candidates are looked at, and how
// many of these at most.
const (
	randomTries = 32
	scanTries   = 1 << 16
)

// fresh claims an ID of the container's, or its pod's, own.
func (s Store) fresh(r Request) (Identity, error) {
	segments, err := r.candidates()
	if err != nil {
		return Identity{}, err
	}
	p := newPick(segments)
	p.blocks = r.block()
	for range randomTries {
		id, err := p.random()
		if err != nil {
			return Identity{}, err
		}
		if ok, err := s.takeAll(r.Owner, id); ok || err != nil {
			return id, err
		}
	}
	// Only a small range gets here. Free what can be freed, then go through it.
	_, swept := s.Sweep()
	start, err := random64()
	if err != nil {
		return Identity{}, err
	}
	start %= p.total
	for i := range min(p.total, scanTries) {
		id := p.nth((start + i) % p.total)
		if ok, err := s.takeAll(r.Owner, id); ok || err != nil {
			return id, err
		}
	}
	err = fmt.Errorf("all of the %d %s are claimed by containers that exist; %s: %w", p.total, r.kind(), r.remedy(), ErrNoID)
	if p.total > scanTries {
		err = fmt.Errorf("%d of the %d IDs were tried, and all are claimed by containers that exist; widen uid_range: %w", scanTries, p.total, ErrNoID)
	}
	return Identity{}, errors.Join(err, swept)
}

// takeAll claims both host IDs of an identity, or none.
func (s Store) takeAll(o Owner, id Identity) (bool, error) {
	hosts := id.hosts()
	for i, host := range hosts {
		ok, err := s.take(host, o.members())
		if ok {
			continue
		}
		for _, h := range hosts[:i] {
			err = errors.Join(err, s.leave(h, o.members()))
		}
		return false, err
	}
	clash, err := s.clashes(id)
	if clash || err != nil {
		return false, errors.Join(err, s.leaveAll(o, id, o.members()))
	}
	return true, nil
}

// take makes the members the only ones of a host ID; false if it has others.
func (s Store) take(host string, members []member) (bool, error) {
	tmp := record.NewPrefix + members[0].creation
	if err := s.uids.Mkdir(tmp); err != nil {
		return false, err
	}
	var err error
	for _, m := range members {
		if err == nil {
			err = s.uids.Symlink(m.text(), tmp+"/"+m.name())
		}
	}
	if err == nil {
		err = s.uids.Rename(tmp, host)
	}
	if err == nil {
		return true, nil
	}
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		err = nil
	}
	return false, errors.Join(err, s.uids.Clear(tmp))
}

// enter adds a member to a host ID that is taken; false if it no longer is.
func (s Store) enter(host string, m member) (bool, error) {
	err := s.uids.Symlink(m.text(), host+"/"+m.name())
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	return err == nil, err
}

// leave removes members that nothing hangs on yet.
func (s Store) leave(host string, members []member) error {
	for _, m := range members {
		if err := s.uids.Unlink(host + "/" + m.name()); err != nil {
			return err
		}
	}
	_, err := s.uids.Rmdir(host)
	return err
}

// leaveAll is leave for both host IDs.
func (s Store) leaveAll(o Owner, id Identity, members []member) error {
	var errs []error
	for _, host := range id.hosts() {
		errs = append(errs, s.leave(host, members))
	}
	return errors.Join(errs...)
}

// maxRetries bounds loops in which each turn means that another process got
// something done.
const maxRetries = 64

var errContended = errors.New("the claim keeps changing")

func (s Store) retry(f func() (bool, error)) error {
	for range maxRetries {
		if done, err := f(); done || err != nil {
			return err
		}
	}
	return errContended
}
