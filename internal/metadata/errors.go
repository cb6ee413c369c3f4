// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"errors"

	"golang.org/x/sys/unix"
)

// fault is an error that is a constant, so that nothing runs when the program
// starts.
type fault string

func (f fault) Error() string { return string(f) }

// ErrNotBlocked is returned by Counters where no block stands.
const ErrNotBlocked = fault("no metadata block stands in the network namespace")

// errStale: another process changed the ruleset meanwhile; list it again.
const errStale = fault("the nftables ruleset of the network namespace keeps changing")

// allow is the policy line that does without the block.
const allow = `set metadata = "allow" under [profile.default]`

// kernelError is a refusal by the kernel. It names the errno by its symbol and
// not by its text: engines search a runtime's message for words such as those of
// ENOENT and EACCES and would report another failure.
type kernelError struct {
	op    string
	errno unix.Errno
	text  string // the kernel's own sentence, if any
}

func (e *kernelError) Unwrap() error { return e.errno }

func (e *kernelError) Error() string {
	s := "metadata block: " + e.op + ": " + symbol(e.errno)
	if e.text != "" {
		s += " (kernel: " + e.text + ")"
	}
	if r := remedy(e.errno); r != "" {
		s += ": " + r
	}
	return s
}

func symbol(errno unix.Errno) string {
	if s := unix.ErrnoName(errno); s != "" {
		return s
	}
	return errno.Error()
}

func remedy(errno unix.Errno) string {
	switch errno {
	case unix.EPROTONOSUPPORT, unix.EAFNOSUPPORT, unix.EOPNOTSUPP, unix.EINVAL, unix.ENOENT, unix.ENOPROTOOPT:
		return "the kernel lacks a part of nf_tables; it needs CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET, " +
			"CONFIG_NFT_REJECT_INET and Linux 4.11 or newer; or " + allow
	case unix.EPERM, unix.EACCES:
		return "it takes CAP_NET_ADMIN and CAP_SYS_ADMIN over the network namespace; or " + allow
	case unix.ENOSPC: // unshare(2)
		return "the node has as many network namespaces as sysctl user.max_net_namespaces lets it have; raise it"
	}
	return ""
}

// failure wraps an error of a system call or of decoding; one that already says
// what was being done stays as it is.
func failure(op string, err error) error {
	var kernel *kernelError
	var said *opError
	var errno unix.Errno
	switch {
	case errors.As(err, &kernel), errors.As(err, &said):
		return err
	case errors.As(err, &errno):
		return &kernelError{op: op, errno: errno}
	}
	return &opError{op: op, err: err}
}

type opError struct {
	op  string
	err error
}

func (e *opError) Unwrap() error { return e.err }
func (e *opError) Error() string { return "metadata block: " + e.op + ": " + e.err.Error() }
