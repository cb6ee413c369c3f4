// SPDX-License-Identifier: Apache-2.0

package syscalls

// none is the number of a call that an architecture does not have.
const none = -1

// Class says what the profile does with a call while no capability of its Caps
// is given.
type Class uint8

const (
	// ENOSYS refuses as a kernel without the call would. It is the default
	// action, so that libc and runtimes use their own fallback.
	ENOSYS Class = iota
	// Allow lets the call through, whatever its arguments.
	Allow
	// Filter lets the call through where one of its Rules matches, and refuses
	// it with ENOSYS, or the errno of Refuse, otherwise.
	Filter
	// EPERM refuses as the kernel refuses a caller without the capability.
	EPERM
	// EINVAL refuses as the kernel refuses file descriptors of the wrong kind.
	EINVAL
)

// Syscall is one line of the table.
type Syscall struct {
	Name string
	// AMD64 and ARM64 are the numbers, or -1 where there is none.
	AMD64, ARM64 int
	// Since is the kernel that brought the call; empty for older than 3.17 or
	// not known.
	Since string
	Class Class
	// Caps are the capabilities any of which brings the call back whole.
	Caps Caps
	// Loose is set where Class, Rules and Refuse are those of level strict
	// alone, and every other level allows the call whatever its arguments.
	Loose bool
	// Rules are alternatives: one that matches is enough.
	Rules []Rule
	// Refuse gives an errno other than ENOSYS to some of what Rules leave out.
	// It changes no decision: what it names is refused anyway.
	Refuse []Refusal
	// Reason says why the call is not simply allowed, with a reference.
	Reason string
}

// Rule matches where all its conditions hold. A rule with Caps counts only
// where one of them is given, and one with Level at that level only.
type Rule struct {
	Caps  Caps
	Level Level
	Conds []Cond
}

// Refusal names arguments that are refused with Errno, unless a capability of
// Unless is given: then a rule may allow some of them.
type Refusal struct {
	Errno  uint16
	Unless Caps
	Level  Level
	Conds  []Cond
}

// Level says at which levels a rule counts; the zero is all.
type Level uint8

const (
	// AtStrict counts at level strict only.
	AtStrict Level = iota + 1
	// NotStrict counts at every other level.
	NotStrict
)

// bits returns the level as bits that a set must and must not have.
func (l Level) bits() (with, without Caps) {
	switch l {
	case AtStrict:
		return Strict, 0
	case NotStrict:
		return 0, Strict
	}
	return 0, 0
}

// counts reports whether what has these capabilities and this level holds for
// a profile of the set caps.
func counts(needed Caps, level Level, caps Caps) bool {
	with, without := level.bits()
	return (needed == 0 || needed&caps != 0) && caps&with == with && caps&without == 0
}

// Cond holds where the argument, cut to the low 32 bits and masked, is one of
// In or, where NotIn is set instead, none of NotIn.
//
// 32 bits are what the kernel looks at in every argument that a rule reads:
// SYSCALL_DEFINE casts each register to the declared type, which is int,
// unsigned int or umode_t, and clone(2) takes lower_32_bits of its flags
// (kernel/fork.c). Comparing the high half would let a caller step round the
// rule by setting a bit there.
type Cond struct {
	Arg       uint8
	Mask      uint32
	In, NotIn []uint32
}

// Number returns the call's number on a GOARCH, and whether it has one.
func (s *Syscall) Number(goarch string) (int, bool) {
	switch goarch {
	case "amd64":
		return s.AMD64, s.AMD64 != none
	case "arm64":
		return s.ARM64, s.ARM64 != none
	}
	return none, false
}
