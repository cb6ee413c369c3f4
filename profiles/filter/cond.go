// SPDX-License-Identifier: Apache-2.0

package filter

import "fmt"

const (
	whole  = ^uint64(0)
	lower  = uint64(0xffffffff)
	noArgs = 6
)

// Cond is one comparison of an argument: arg&Mask with Val. All seven
// operators of the specification become one of two comparisons or its negation.
type Cond struct {
	Arg  uint8
	Not  bool // the negation
	Less bool // arg&Mask < Val rather than ==; Mask is then whole or lower
	Mask uint64
	Val  uint64
}

// operator makes the condition for an operator of the specification, which
// compares 64 bits, unsigned (seccomp_rule_add(3)).
func operator(op string, arg uint8, value, two uint64) (Cond, error) {
	c := Cond{Arg: arg, Mask: whole, Val: value}
	switch op {
	case "SCMP_CMP_EQ":
	case "SCMP_CMP_NE":
		c.Not = true
	case "SCMP_CMP_MASKED_EQ":
		c.Mask, c.Val = value, two&value // libseccomp masks the datum too
	case "SCMP_CMP_LT":
		c.Less = true
	case "SCMP_CMP_GE":
		c.Less, c.Not = true, true
	case "SCMP_CMP_LE", "SCMP_CMP_GT":
		if c.Less = true; value == whole { // x <= the greatest: always
			c = Cond{Arg: arg}
		} else {
			c.Val++
		}
		c.Not = op == "SCMP_CMP_GT"
	default:
		return c, fmt.Errorf("%w: operator %q is not known", ErrFilter, op)
	}
	return c, nil
}

// Holds reports whether the condition holds for an argument's value.
func (c Cond) Holds(v uint64) bool {
	v &= c.Mask
	if c.Less {
		return (v < c.Val) != c.Not
	}
	return (v == c.Val) != c.Not
}

// tight returns a condition that never holds where c does not, and that agrees
// with c on every value below 2^32: the kernel cuts an int argument to 32 bits,
// and a comparison of 64 that lets a value through for its high half alone lets
// through what the profile meant to refuse.
//
// What c allows by its high half only comes from a negation: all but a value,
// or all above one. Where the value itself needs more than 32 bits the argument
// is no int, and c stays.
func (c Cond) tight() Cond {
	if c.Not && c.Val <= lower && c.Mask&lower != 0 {
		c.Mask &= lower
	}
	return c
}

// loose returns a condition that holds wherever c does, and that agrees with c
// on every value below 2^32: the reading of what a profile refuses.
func (c Cond) loose() Cond {
	c.Not = !c.Not
	c = c.tight()
	c.Not = !c.Not
	return c
}
