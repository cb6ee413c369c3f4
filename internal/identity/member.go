// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/runclad/runclad/internal/record"
	"golang.org/x/sys/unix"
)

// The two kinds of member; see the package comment.
const (
	containerMember = "c."
	podMember       = "p."
)

// member is one reason for which an ID is taken.
type member struct {
	kind     string
	creation string
	flavor   string
	root, id string // of the container, or of the pod's sandbox
	block    bool   // of a block's claim
}

func (m member) name() string { return m.kind + m.creation }

func (m member) text() string { return m.flavor + ":" + m.id + ":" + m.root }

// member reads a member of the folder uid/<folder>.
func (s Store) member(folder, name string) (member, error) {
	m := member{block: isBlock(folder)}
	switch {
	case strings.HasPrefix(name, containerMember):
		m.kind = containerMember
	case strings.HasPrefix(name, podMember):
		m.kind = podMember
	default:
		return m, fmt.Errorf("%s is none of runclad's names", s.uids.Path(folder+"/"+name))
	}
	m.creation = name[len(m.kind):]
	text, err := s.uids.Readlink(folder + "/" + name)
	if err != nil {
		return m, err
	}
	var rest string
	m.flavor, rest, _ = strings.Cut(text, ":")
	m.id, m.root, _ = strings.Cut(rest, ":") // neither of the first two holds a colon
	if err := errors.Join(record.CheckID(m.id), record.CheckRoot(m.root)); err != nil {
		return m, fmt.Errorf("%s: %w", s.uids.Path(folder+"/"+name), err)
	}
	return m, nil
}

// alive answers the questions of the package comment, in its order.
func (s Store) alive(m member) (bool, error) {
	p, err := record.Creator(m.creation)
	if err != nil {
		return true, err
	}
	if alive, err := p.Alive(); alive {
		return true, err
	}
	if exists, err := record.StateExists(m.flavor, m.root, m.id); !exists || err != nil {
		return exists, err
	}
	if m.kind == podMember {
		c, err := s.podClaim(m.root, m.id, m.block)
		if errors.Is(err, errNoClaim) {
			return false, nil // killed before the pod's place was taken
		}
		return err != nil || c.creation == m.creation, err
	}
	superseded, err := s.records.Superseded(m.root, m.id, m.creation)
	return !superseded || err != nil, err
}

// bury removes a dead member of the folder uid/<folder>, and before it what the
// member leads to.
func (s Store) bury(folder string, m member) error {
	var err error
	if m.kind == podMember {
		err = s.releasePod(m.root, m.id, m.creation, isBlock(folder))
	} else {
		err = s.records.Discard(m.root, m.id, m.creation)
	}
	if err != nil {
		return err
	}
	return s.uids.Unlink(folder + "/" + m.name())
}

// podClaim is the claim of all containers of a sandbox.
type podClaim struct {
	uid, gid uint32 // on the host
	block    bool   // from there on
	creation string // which made the claim
}

// podKey is the place of a pod's claim on an ID or on a block.
func podKey(root, sandbox string, block bool) string {
	if block {
		return record.Key(root, sandbox) + ".block"
	}
	return record.Key(root, sandbox)
}

func (c podClaim) name() string {
	if c.block {
		return blockName(c.uid/BlockSize) + "." + c.creation
	}
	return strconv.FormatUint(uint64(c.uid), 10) + "." + strconv.FormatUint(uint64(c.gid), 10) + "." + c.creation
}

var errNoClaim = errors.New("no claim for the pod")

// podClaim reads the claim in a pod's place.
func (s Store) podClaim(root, sandbox string, block bool) (podClaim, error) {
	key := podKey(root, sandbox, block)
	names, err := s.pods.Names(key)
	if err != nil {
		return podClaim{}, err
	}
	switch len(names) {
	case 0:
		return podClaim{}, errNoClaim
	case 1:
	default:
		return podClaim{}, fmt.Errorf("%s holds %d claims", s.pods.Path(key), len(names))
	}
	c, err := parsePodClaim(names[0])
	if err != nil {
		return podClaim{}, fmt.Errorf("%s: %w", s.pods.Path(key), err)
	}
	return c, nil
}

func parsePodClaim(name string) (podClaim, error) {
	a, rest, _ := strings.Cut(name, ".")
	if isBlock(a) {
		n, err := parseBlock(a)
		_, cerr := record.Creator(rest)
		if err := errors.Join(err, cerr); err != nil {
			return podClaim{}, fmt.Errorf("%q is no claim: %w", name, err)
		}
		return podClaim{n * BlockSize, n * BlockSize, true, rest}, nil
	}
	b, creation, _ := strings.Cut(rest, ".")
	uid, err := strconv.ParseUint(a, 10, 32)
	gid, gerr := strconv.ParseUint(b, 10, 32)
	_, cerr := record.Creator(creation)
	if err := errors.Join(err, gerr, cerr); err != nil {
		return podClaim{}, fmt.Errorf("%q is no claim: %w", name, err)
	}
	return podClaim{uint32(uid), uint32(gid), false, creation}, nil
}

// takePod puts a claim in a pod's place; false if there is one already.
func (s Store) takePod(root, sandbox string, c podClaim) (bool, error) {
	tmp := record.NewPrefix + c.creation
	if err := s.pods.Mkdir(tmp); err != nil {
		return false, err
	}
	err := s.pods.Symlink(root+"/"+sandbox, tmp+"/"+c.name()) // the text is for whoever looks
	if err == nil {
		err = s.pods.Rename(tmp, podKey(root, sandbox, c.block))
	}
	if err == nil {
		return true, nil
	}
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		err = nil
	}
	return false, errors.Join(err, s.pods.Clear(tmp, c.name()))
}

// releasePod removes what a creation has in a pod's place, or on the way there.
func (s Store) releasePod(root, sandbox, creation string, block bool) error {
	key := podKey(root, sandbox, block)
	names, err := s.pods.Names(key)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "."+creation) {
			if err := s.pods.Unlink(key + "/" + name); err != nil {
				return err
			}
		}
	}
	if _, err := s.pods.Rmdir(key); err != nil {
		return err
	}
	return s.pods.Clear(record.NewPrefix + creation)
}
