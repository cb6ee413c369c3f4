// SPDX-License-Identifier: Apache-2.0

package syscalls

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
)

// Cube is a set of argument values that one libseccomp rule can name: those
// where every argument a has a&Mask[a] == Val[a]. It is what SCMP_CMP_MASKED_EQ
// compares, once for each argument.
type Cube struct{ Mask, Val [6]uint32 }

// universe holds every value.
var universe = Cube{}

func (c Cube) intersect(d Cube) (Cube, bool) {
	for a := range c.Mask {
		if (c.Val[a]^d.Val[a])&c.Mask[a]&d.Mask[a] != 0 {
			return Cube{}, false
		}
		c.Val[a] |= d.Val[a]
		c.Mask[a] |= d.Mask[a]
	}
	return c, true
}

func (c Cube) overlaps(d Cube) bool {
	_, ok := c.intersect(d)
	return ok
}

// minus returns what is in c and not in d, as disjoint cubes.
func (c Cube) minus(d Cube) []Cube {
	if !c.overlaps(d) {
		return []Cube{c}
	}
	var out []Cube
	for a := range c.Mask {
		for free := d.Mask[a] &^ c.Mask[a]; free != 0; free &= free - 1 {
			bit := free & -free
			part := c
			part.Mask[a] |= bit
			part.Val[a] |= ^d.Val[a] & bit
			out = append(out, part)
			c.Mask[a] |= bit
			c.Val[a] |= d.Val[a] & bit
		}
	}
	return out
}

func subtract(from, what []Cube) []Cube {
	for _, d := range what {
		var next []Cube
		for _, c := range from {
			next = append(next, c.minus(d)...)
		}
		from = next
	}
	return from
}

// cubes returns the values of a condition as disjoint cubes.
func (c *Cond) cubes() []Cube {
	var in []Cube
	values := c.In
	if c.In == nil {
		values = c.NotIn
	}
	for _, v := range values {
		var q Cube
		q.Mask[c.Arg], q.Val[c.Arg] = c.Mask, v
		in = append(in, q)
	}
	if c.In == nil {
		return subtract([]Cube{universe}, in)
	}
	return in
}

// cubesOf returns the values that any of the alternatives allows. Cubes may
// overlap.
func cubesOf(alternatives [][]Cond) []Cube {
	var out []Cube
	for _, conds := range alternatives {
		set := []Cube{universe}
		for i := range conds {
			var next []Cube
			for _, d := range conds[i].cubes() {
				for _, s := range set {
					if q, ok := s.intersect(d); ok {
						next = append(next, q)
					}
				}
			}
			set = next
		}
		out = append(out, set...)
	}
	return out
}

// tries is how many orders Cover walks through to find its smallest answer.
const tries = 100

// Cover returns few cubes that hold exactly the values that any of the
// alternatives allows: each is as large as it can be, and none can be left out.
// Fewer cubes mean fewer libseccomp rules, and a rule costs load time in every
// container. The answer is the same on every run.
func Cover(alternatives [][]Cond) []Cube {
	key := fmt.Sprint(alternatives)
	if v, ok := covers.Load(key); ok {
		return v.([]Cube)
	}
	best := cover(alternatives)
	covers.Store(key, best)
	return best
}

// covers remembers answers: architectures share their rules.
var covers sync.Map

func cover(alternatives [][]Cond) []Cube {
	on := cubesOf(alternatives)
	off := subtract([]Cube{universe}, on)
	rng := rand.New(rand.NewPCG(1, 2)) // fixed, so that go generate repeats itself
	var best []Cube
	for range tries {
		got := irredundant(expand(on, off, rng), rng)
		if best == nil || cost(got) < cost(best) {
			best = got
		}
	}
	slices.SortFunc(best, compareCubes)
	return best
}

// cost counts cubes first, then the comparisons in them.
func cost(cubes []Cube) int {
	n := 1000 * len(cubes)
	for _, c := range cubes {
		for _, m := range c.Mask {
			if m != 0 {
				n++
			}
		}
	}
	return n
}

// expand frees every bit of every cube that can be freed without touching off.
func expand(on, off []Cube, rng *rand.Rand) []Cube {
	type literal struct {
		arg int
		bit uint32
	}
	var out []Cube
	for _, c := range on {
		var lits []literal
		for a, m := range c.Mask {
			for ; m != 0; m &= m - 1 {
				lits = append(lits, literal{a, m & -m})
			}
		}
		rng.Shuffle(len(lits), func(i, j int) { lits[i], lits[j] = lits[j], lits[i] })
		for _, l := range lits {
			wider := c
			wider.Mask[l.arg] &^= l.bit
			wider.Val[l.arg] &^= l.bit
			if !slices.ContainsFunc(off, wider.overlaps) {
				c = wider
			}
		}
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// irredundant leaves out cubes that the others cover, small ones first.
func irredundant(cubes []Cube, rng *rand.Rand) []Cube {
	rng.Shuffle(len(cubes), func(i, j int) { cubes[i], cubes[j] = cubes[j], cubes[i] })
	slices.SortStableFunc(cubes, func(a, b Cube) int { return b.literals() - a.literals() })
	for i := 0; i < len(cubes); {
		rest := slices.Delete(slices.Clone(cubes), i, i+1)
		if len(subtract([]Cube{cubes[i]}, rest)) == 0 {
			cubes = rest
			continue
		}
		i++
	}
	return cubes
}

func (c Cube) literals() int {
	n := 0
	for _, m := range c.Mask {
		n += bits.OnesCount32(m)
	}
	return n
}

func compareCubes(c, d Cube) int {
	if n := slices.Compare(c.Mask[:], d.Mask[:]); n != 0 {
		return n
	}
	return slices.Compare(c.Val[:], d.Val[:])
}
