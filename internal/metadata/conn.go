// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"errors"

	"golang.org/x/sys/unix"
)

// maxDumpParts bounds the datagrams that one listing may have. A namespace where
// somebody else keeps a very large table does not matter: listings are asked for
// by table.
const maxDumpParts = 256

const (
	errNoAnswer = fault("the kernel gave no answer")
	errTooLong  = fault("the listing is longer than anything this program makes")
)

// conn is a netlink socket in the namespace. The kernel works a request off
// within send(2), so the answers are there when it returns, and nothing here
// ever blocks.
type conn struct {
	fd  int
	seq uint32
	buf []byte
}

func dial(netns int) (*conn, error) {
	fd, err := socketIn(netns)
	if err != nil {
		return nil, err
	}
	return dialed(fd)
}

// dialed makes a conn of a socket, and closes it where that fails.
func dialed(fd int) (*conn, error) {
	// Sentences with errors, and errors without the whole request in them.
	for _, opt := range [...]int{unix.NETLINK_EXT_ACK, unix.NETLINK_CAP_ACK} {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, opt, 1); err != nil && err != unix.ENOPROTOOPT {
			unix.Close(fd)
			return nil, failure("set a netlink socket option", err)
		}
	}
	// 32 KiB is the most that the kernel puts into one part of a listing.
	return &conn{fd: fd, buf: make([]byte, 32<<10)}, nil
}

func (c *conn) close() { unix.Close(c.fd) }

// take reserves n sequence numbers and returns the first.
func (c *conn) take(n int) uint32 {
	first := c.seq + 1
	c.seq += uint32(n)
	return first
}

func (c *conn) send(b []byte) error {
	for {
		// An unconnected netlink socket sends to port 0, the kernel.
		n, err := unix.Write(c.fd, b)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n != len(b):
			return errNoAnswer
		default:
			return nil
		}
	}
}

// receive returns the next datagram, or errNoAnswer if there is none. The result
// is valid until the next call.
func (c *conn) receive() ([]byte, error) {
	for {
		n, _, flags, from, err := unix.Recvmsg(c.fd, c.buf, nil, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return nil, errNoAnswer
		case err != nil:
			return nil, err
		case flags&unix.MSG_TRUNC != 0:
			return nil, errTruncated
		}
		// Only the kernel is believed.
		if sa, ok := from.(*unix.SockaddrNetlink); !ok || sa.Pid != 0 {
			continue
		}
		return c.buf[:n], nil
	}
}

// each hands the answers to the messages first … first+n-1 to f, until f says
// that it has all. Answers to anything else are skipped.
func (c *conn) each(first uint32, n int, f func(step int, m *message) (done bool, err error)) error {
	for range maxDumpParts {
		b, err := c.receive()
		if err != nil {
			return err
		}
		for len(b) > 0 {
			m, rest, err := nextMessage(b)
			if err != nil {
				return err
			}
			b = rest
			if step := m.seq - first; step < uint32(n) {
				if done, err := f(int(step), &m); done || err != nil {
					return err
				}
			}
		}
	}
	return errTooLong
}

// commit sends a batch and returns nil if the kernel made all of its changes.
// errStale means that the ruleset has changed since it was listed.
func (c *conn) commit(b *batch) error {
	b.finish()
	c.take(len(b.steps))
	if err := c.send(b.b); err != nil {
		return failure("send a change to nf_tables", err)
	}
	acked := false
	var first error
	err := c.each(b.first, len(b.steps), func(step int, m *message) (bool, error) {
		if m.typ != unix.NLMSG_ERROR {
			return false, nil
		}
		errno, text, err := m.verdict()
		if err != nil {
			return false, err
		}
		switch {
		case errno == 0:
			// The acknowledgement does not end the reading: the error of a failed
			// commit may stand on either side of it.
			acked = acked || step == len(b.steps)-2
		case first == nil:
			first = refusal(b.steps[step], step, errno, text)
		}
		return false, nil
	})
	switch {
	case first != nil:
		return first
	case errors.Is(err, errNoAnswer) && acked:
		return nil
	case err != nil:
		return failure("read the answer of nf_tables", err)
	}
	return failure("read the answer of nf_tables", errTooLong)
}

// refusal makes an error of the kernel's answer to one step of a batch. ERESTART
// is the wrong generation. Where the kernel knows no generations, another
// process's table shows when ours is made, or its removal when we remove it.
func refusal(what string, step int, errno unix.Errno, text string) error {
	const second = 1 // the step after begin is the table's
	switch {
	case errno == unix.ERESTART,
		errno == unix.EEXIST && step == second,
		errno == unix.ENOENT && step == second:
		return errStale
	}
	return &kernelError{op: what, errno: errno, text: text}
}
