// SPDX-License-Identifier: Apache-2.0

package filter

// Call is what a filter says of one system call.
type Call struct {
	// Lone is set where a rule decides whatever the arguments: Action is then
	// its action. libseccomp lets such a rule replace those with arguments.
	Lone   bool
	Action Action
	// Terms are the rules with arguments, where there is no lone one.
	Terms []Term
}

// Term is one rule with arguments.
type Term struct {
	Action Action
	Conds  []Cond
}

// Add adds what one rule says of the call. Two lone rules do not mix: the
// stricter is taken.
func (c *Call) Add(r *Rule) {
	switch {
	case r.Lone() && c.Lone:
		c.Action = stricter(c.Action, r.Action)
	case r.Lone():
		c.Lone, c.Action, c.Terms = true, r.Action, nil
	case !c.Lone:
		for _, conds := range r.Terms {
			c.Terms = append(c.Terms, Term{r.Action, conds})
		}
	}
}

// Call returns what the filter says of a call by name; nil where it does not
// name it, so that the default action holds.
func (f *Filter) Call(name string) *Call {
	if f.calls == nil {
		f.calls = make(map[string]*Call)
		for i := range f.Rules {
			for _, n := range f.Rules[i].Names {
				if f.calls[n] == nil {
					f.calls[n] = &Call{}
				}
				f.calls[n].Add(&f.Rules[i])
			}
		}
	}
	return f.calls[name]
}

// Decide returns the action for a call. Where rules of different actions hold
// for the same arguments, what libseccomp makes of it depends on the order in
// which it finds them; the strictest is returned.
func (f *Filter) Decide(name string, args [noArgs]uint64) Action {
	c := f.Call(name)
	if c == nil {
		return f.Default
	}
	return c.Decide(f.Default, args)
}

// Decide returns the action for arguments, def where no rule holds.
func (c *Call) Decide(def Action, args [noArgs]uint64) Action {
	if c.Lone {
		return c.Action
	}
	found := false
	for _, t := range c.Terms {
		if t.holds(&args) {
			if !found {
				def = t.Action
			}
			found = true
			def = stricter(def, t.Action)
		}
	}
	return def
}

func (t *Term) holds(args *[noArgs]uint64) bool {
	for _, c := range t.Conds {
		if !c.Holds(args[c.Arg]) {
			return false
		}
	}
	return true
}

// Covers reports whether every call in the cube is allowed, whatever bits its
// arguments have; def is the filter's default action.
func (c *Call) Covers(def Action, q Cube) bool {
	if c.Lone {
		return c.Action.Allows()
	}
	// Two values of the cube, its least and its greatest, settle most that it
	// does not hold for, without any splitting.
	greatest := q.Val
	for a, m := range q.Mask {
		greatest[a] |= ^m
	}
	if !c.Decide(def, q.Val).Allows() || !c.Decide(def, greatest).Allows() {
		return false
	}
	rest := []Cube{q}
	for _, t := range c.Terms {
		if !t.Action.Allows() {
			if len(q.within(t.Conds)) > 0 {
				return false
			}
			continue
		}
		if def.Allows() {
			continue
		}
		var next []Cube
		for _, p := range rest {
			if next = append(next, p.without(t.Conds)...); len(next) > most {
				return false
			}
		}
		rest = next
	}
	return def.Allows() || len(rest) == 0
}

// Meet returns the part of the cube that the call's rules allow, as disjoint
// cubes where they are few. Comparisons are read as those of ints
// ([Cond.tight]): equal to what the rules allow on all values below 2^32, and
// within it on all others. It returns false where that takes too many cubes.
func (c *Call) Meet(def Action, q Cube) ([]Cube, bool) {
	if c.Lone {
		if c.Action.Allows() {
			return []Cube{q}, true
		}
		return nil, true
	}
	var on []Cube
	if def.Allows() {
		on = []Cube{q}
	} else {
		for _, t := range c.Terms {
			if t.Action.Allows() {
				on = append(on, q.within(each(t.Conds, Cond.tight))...)
			}
			if len(on) > most {
				return nil, false
			}
		}
	}
	for _, t := range c.Terms {
		if t.Action.Allows() {
			continue
		}
		refused := each(t.Conds, Cond.loose)
		var next []Cube
		for _, p := range on {
			if next = append(next, p.without(refused)...); len(next) > most {
				return nil, false
			}
		}
		on = next
	}
	return on, true
}

func each(conds []Cond, f func(Cond) Cond) []Cond {
	out := make([]Cond, len(conds))
	for i, c := range conds {
		out[i] = f(c)
	}
	return out
}

// Absorb drops every cube that lies within another.
func Absorb(cubes []Cube) []Cube {
	var out []Cube
next:
	for i := range cubes {
		for j := range cubes {
			if i != j && cubes[j].contains(&cubes[i]) && (j < i || !cubes[i].contains(&cubes[j])) {
				continue next
			}
		}
		out = append(out, cubes[i])
	}
	return out
}
