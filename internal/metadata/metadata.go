// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Options choose what is blocked beyond the metadata of the instance.
type Options struct {
	// Credentials also blocks what hands a workload its own credentials instead
	// of the instance's: ECS task credentials and EKS Pod Identity
	// (169.254.170.2, 169.254.170.23, fd00:ec2::23).
	Credentials bool
}

// maxTries bounds how often a change is tried again because somebody else
// changed the ruleset of the namespace in between. Each such failure means that
// another change has succeeded.
const maxTries = 64

// Block makes sure that the block stands in the network namespace that netns
// refers to: an open descriptor of /proc/<pid>/ns/net or of a bind-mounted
// namespace file. It lists first and returns at once if an identical block
// stands, or one that blocks more: another container of the pod, for which the
// policy says so, shares the namespace. It replaces any other, in one
// transaction, so that there is no moment without a block. It brings lo up. changed says whether it did anything.
//
// The caller stays in its own network namespace, also when Block fails. It must
// have made sure that netns is not the host's (SameNetns).
func Block(netns int, o Options) (changed bool, err error) {
	c, err := dial(netns)
	if err != nil {
		return false, err
	}
	defer c.close()
	raised, err := raiseLoopback(c.fd)
	if err != nil {
		return false, err
	}
	rs := build(o)
	made := false
	err = retry(func() error {
		l, err := c.list(rs)
		if err != nil || l.identical {
			return err
		}
		if l.present && !o.Credentials {
			more, err := c.list(build(Options{Credentials: true}))
			if err != nil || more.identical {
				return err
			}
		}
		if err := c.commit(c.make(l.gen, l.present, rs)); err != nil {
			return err
		}
		made = true
		return nil
	})
	return raised || made, err
}

// make returns the changes that make the ruleset stand, in the place of another
// if there is one. gen is the generation that was listed, 0 for any.
func (c *conn) make(gen uint32, present bool, rs *ruleset) *batch {
	b := &batch{first: c.seq + 1}
	b.b = make([]byte, 0, 24<<10)
	b.steps = make([]string, 0, 64)
	b.begin(gen)
	if present {
		b.deleteTable(0)
	}
	b.create(rs)
	return b
}

// New makes a network namespace in which the block stands and lo is up, and
// returns a descriptor of it. The caller stays in its own. Nobody else can have
// been in the new one, so nothing is listed.
func New(o Options) (netns int, err error) {
	netns, fd, err := unshared()
	if err != nil {
		return -1, err
	}
	c, err := dialed(fd)
	if err == nil {
		defer c.close()
		if _, err = raiseLoopback(c.fd); err == nil {
			err = c.commit(c.make(0, false, build(o)))
		}
	}
	if err != nil {
		unix.Close(netns)
		return -1, err
	}
	return netns, nil
}

// Unblock removes the block. It returns nil if there is none.
func Unblock(netns int) error {
	c, err := dial(netns)
	if err != nil {
		return err
	}
	defer c.close()
	rs := &ruleset{}
	return retry(func() error {
		l := &listing{}
		if err := c.listTable(l, rs); err != nil || !l.present {
			return err
		}
		b := &batch{first: c.seq + 1}
		b.begin(l.gen)
		b.deleteTable(unix.NLM_F_ACK)
		return c.commit(b)
	})
}

// retry calls f again while it returns errStale, or says that what it wanted to
// make or remove was made or removed by another.
func retry(f func() error) error {
	for n := range maxTries {
		err := f()
		if !errors.Is(err, errStale) {
			return err
		}
		if n >= 8 {
			time.Sleep(time.Duration(n) * 50 * time.Microsecond)
		}
	}
	return failure("change table inet "+tableName, errStale)
}
