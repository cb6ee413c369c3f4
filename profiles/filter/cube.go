// SPDX-License-Identifier: Apache-2.0

package filter

// Cube is a set of argument values: those where every argument a has
// a&Mask[a] == Val[a]. It is what SCMP_CMP_MASKED_EQ compares, once for each
// argument.
type Cube struct{ Mask, Val [noArgs]uint64 }

// with returns the part of the cube in which the bits of mask in one argument
// are those of val; false where there is none.
func (q Cube) with(arg uint8, mask, val uint64) (Cube, bool) {
	if (q.Val[arg]^val)&q.Mask[arg]&mask != 0 {
		return q, false
	}
	q.Val[arg] |= val & mask
	q.Mask[arg] |= mask
	return q, true
}

// contains reports whether p lies within q.
func (q *Cube) contains(p *Cube) bool {
	for a := range q.Mask {
		if q.Mask[a]&^p.Mask[a] != 0 || (q.Val[a]^p.Val[a])&q.Mask[a] != 0 {
			return false
		}
	}
	return true
}

// Has reports whether the cube holds these arguments.
func (q *Cube) Has(args *[noArgs]uint64) bool {
	for a, m := range q.Mask {
		if args[a]&m != q.Val[a] {
			return false
		}
	}
	return true
}

// split parts q by a condition, into disjoint cubes in which it holds and in
// which it does not, and appends them.
func (q Cube) split(c Cond, in, out []Cube) (holds, fails []Cube) {
	if c.Not {
		c.Not = false
		out, in = q.split(c, out, in)
		return in, out
	}
	// The least and the greatest value that the cube has under the mask.
	least := q.Val[c.Arg] & c.Mask
	greatest := least | c.Mask&^q.Mask[c.Arg]
	if c.Less {
		switch {
		case greatest < c.Val:
			return append(in, q), out
		case least >= c.Val:
			return in, append(out, q)
		}
	} else if _, ok := q.with(c.Arg, c.Mask, c.Val); !ok {
		return in, append(out, q)
	}
	// Bit by bit from the top: what differs from the value there goes to one
	// side, what agrees goes on. The last that is left equals the value.
	for bit := uint64(1) << 63; bit != 0; bit >>= 1 {
		if c.Mask&bit == 0 {
			continue
		}
		if rest, ok := q.with(c.Arg, bit, ^c.Val); ok {
			if c.Less && c.Val&bit != 0 {
				in = append(in, rest)
			} else {
				out = append(out, rest)
			}
		}
		var ok bool
		if q, ok = q.with(c.Arg, bit, c.Val); !ok {
			return in, out
		}
	}
	if c.Less {
		return in, append(out, q)
	}
	return append(in, q), out
}

// within returns the disjoint parts of q in which all conditions hold.
func (q Cube) within(conds []Cond) []Cube {
	in := []Cube{q}
	for _, c := range conds {
		var next []Cube
		for _, p := range in {
			if c.Less || c.Not {
				next, _ = p.split(c, next, nil)
			} else if p, ok := p.with(c.Arg, c.Mask, c.Val); ok {
				next = append(next, p)
			}
		}
		if in = next; len(in) > most {
			return in
		}
	}
	return in
}

// without returns the disjoint parts of q in which not all conditions hold.
func (q Cube) without(conds []Cond) []Cube {
	in := []Cube{q}
	var out []Cube
	for _, c := range conds {
		var next []Cube
		for _, p := range in {
			next, out = p.split(c, next, out)
		}
		if in = next; len(in)+len(out) > most {
			return append(out, in...)
		}
	}
	return out
}

// most bounds the cubes of one call: each is a rule that costs load time in
// every container. What needs more is refused; see [Call.Meet].
const most = 512
