// SPDX-License-Identifier: Apache-2.0

package syscalls

// Allowed is the errno of [Syscall.Decide] that stands for "let through".
const Allowed = 0

// Nothing is the errno of [Refusal] and [Syscall.Decide] that stands for "not
// done, and answered with 0". It is no errno of the kernel's (MAX_ERRNO is 4095).
const Nothing = 0xffff

// The errnos that a class refuses with.
const (
	errnoInval = 22
	errnoNosys = 38
)

// Decide says what the profile does with a call of s under the capabilities
// caps: [Allowed], or the errno it is refused with. It reads the table alone,
// so that tests can hold the compiled filter against it.
func (s *Syscall) Decide(caps Caps, args [6]uint64) uint16 {
	switch s.At(caps) {
	case Allow:
		return Allowed
	case EPERM:
		return errnoPerm
	case EINVAL:
		return errnoInval
	case Filter:
		switch rule, refusal := s.Which(caps, args); {
		case rule != nil:
			return Allowed
		case refusal != nil:
			return refusal.Errno
		}
	}
	return errnoNosys
}

// At returns the class of the call in a profile of the set caps.
func (s *Syscall) At(caps Caps) Class {
	if s.Caps&caps != 0 || s.Loose && caps&Strict == 0 {
		return Allow
	}
	return s.Class
}

func hold(conds []Cond, args [6]uint64) bool {
	for _, c := range conds {
		if !c.holds(uint32(args[c.Arg])) {
			return false
		}
	}
	return true
}

func (c *Cond) holds(v uint32) bool {
	v &= c.Mask
	for _, w := range c.In {
		if v == w {
			return true
		}
	}
	if c.In != nil {
		return false
	}
	for _, w := range c.NotIn {
		if v == w {
			return false
		}
	}
	return true
}
