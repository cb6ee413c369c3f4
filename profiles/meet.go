// SPDX-License-Identifier: Apache-2.0

package profiles

import (
	"errors"
	"fmt"

	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/profiles/filter"
	"github.com/runclad/runclad/profiles/internal/render"
)

// ErrTail is wrapped by the error about an engine's profile under which the
// runtime could not start the program.
var ErrTail = errors.New("seccomp profile refuses what the runtime itself calls")

// Meet returns the profile for a container whose engine sent one of its own:
// what both allow. A nil engine profile refuses nothing. The notes say what of
// the engine's could not be kept as it was.
//
// What one of the two refuses is refused. Where the engine's rule for a whole
// call kills, traps or names an errno, that is kept; so is a default action that
// kills or traps. Every other refusal answers as ours does, with ENOSYS where
// nothing is said.
//
// An engine's profile that allows all that ours does changes nothing, and ours
// is returned as it is. At level engine that is taken to the letter. At the
// others there are two exceptions, by which the engines' own default profiles
// pass: calls of Linux 5.1 and later that came after every call the profile
// names do not count, since such a profile is older than those calls rather than
// narrower; and neither do the high halves of arguments that are ints, which the
// kernel does not look at.
//
// The errors wrap filter.ErrFilter, for a profile that says something not known
// here or that no runtime would load, and ErrTail.
func Meet(o Options, engine *spec.Value) (string, []string, error) {
	set, err := o.set()
	if err != nil {
		return "", nil, fmt.Errorf("make seccomp profile: %w", err)
	}
	if engine.Kind() == spec.Null {
		return text(set), nil, nil
	}
	f, err := filter.Parse(engine)
	if err != nil {
		return "", nil, err
	}
	m := meeting{set: set, engine: f, def: f.Default}
	if m.def.Kind <= filter.Errno {
		m.def = nosys
	}
	m.read()
	if m.covers(o.Level == LevelEngine) {
		return text(set), nil, nil
	}
	m.decide()
	if err := m.tail(o.Runtime); err != nil {
		return "", nil, err
	}
	return string(m.append(make([]byte, 0, len(bare)+4096))), m.notes, nil
}

var nosys = filter.Action{Kind: filter.Errno, Errno: 38}

// meeting is the work of one Meet.
type meeting struct {
	set    uint64
	engine *filter.Filter
	def    filter.Action // the result's default action

	said   [len(calls)]filter.Call // what the engine says of each of calls
	named  [len(calls)]bool
	newest uint16 // the version of the latest call that the engine names

	allowed [len(calls)]bool // wholly or in part: for tail
	whole   []string         // names allowed whatever the arguments
	rules   []byte           // members with arguments, each with a comma before it
	refused []group          // names refused by other than def
	notes   []string
}

type group struct {
	action filter.Action
	names  []string
}

// read sorts the engine's rules by our calls.
func (m *meeting) read() {
	at := 0
	for i := range m.engine.Rules {
		r := &m.engine.Rules[i]
		for _, name := range r.Names {
			for j := range late {
				if late[j].name == name {
					m.newest = max(m.newest, late[j].since)
				}
			}
			var ok bool
			if at, ok = index(name, at); ok {
				m.said[at].Add(r)
				m.named[at] = true
				at++
			} else {
				m.stranger(name, r)
			}
		}
	}
}

// index finds a call by name; hint is where it would be if the names came in
// order, as engines write them. Where there is none it returns a new hint.
func index(name string, hint int) (int, bool) {
	if hint < len(calls) && calls[hint].Name == name {
		return hint, true
	}
	lo, hi := 0, len(calls)
	for lo < hi {
		if mid := (lo + hi) / 2; calls[mid].Name < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(calls) && calls[lo].Name == name
}

// stranger keeps what the engine says of a call that ours always refuses with
// ENOSYS: that it kills, or that it does not where the default does.
func (m *meeting) stranger(name string, r *filter.Rule) {
	switch {
	case r.Lone() && r.Action.Kind > filter.Errno:
		m.refuse(name, r.Action)
	case m.def != nosys && r.Action.Kind <= filter.Errno:
		m.refuse(name, nosys)
	}
}

// verdict returns the engine's action for calls[i] where it does not depend on
// the arguments.
func (m *meeting) verdict(i int) (filter.Action, bool) {
	switch {
	case !m.named[i]:
		return m.engine.Default, true
	case m.said[i].Lone:
		return m.said[i].Action, true
	}
	return filter.Action{}, false
}

// covers reports whether the engine allows all that ours does: to the letter, or
// with the exceptions of Meet.
func (m *meeting) covers(exactly bool) bool {
	for i := range calls {
		c := &calls[i]
		class := c.At(m.set)
		if class != render.Allow && class != render.Filter {
			if a, ok := m.verdict(i); ok && a.Kind > filter.Errno {
				return false // it kills where ours answers
			}
			continue
		}
		if a, ok := m.verdict(i); ok {
			if !a.Allows() && (m.named[i] || exactly || since(c.Name) <= m.newest) {
				return false
			}
			continue
		}
		for _, q := range m.cubes(c) {
			if !exactly {
				q = asInts(q)
			}
			if !m.said[i].Covers(m.engine.Default, q) {
				return false
			}
		}
	}
	return len(m.refused) == 0
}

// since returns the version that a late call came with, 0 for the others.
func since(name string) uint16 {
	for i := range late {
		if late[i].name == name {
			return late[i].since
		}
	}
	return 0
}

// asInts leaves the high half out of each argument that a rule of ours looks at:
// all of these are 32 bits wide to the kernel (syscalls.Cond).
func asInts(q filter.Cube) filter.Cube {
	for a, m := range q.Mask {
		if m != 0 {
			q.Mask[a] |= 0xffffffff << 32
		}
	}
	return q
}

// cubes returns the arguments with which ours allows a call.
func (m *meeting) cubes(c *render.Call) []filter.Cube {
	if c.At(m.set) == render.Allow {
		return []filter.Cube{{}}
	}
	list := c.AppendAllow([]byte{'['}, m.set)
	if len(list) > 1 {
		list[1] = ' ' // the first comma
	}
	v, err := spec.ParseValue(append(list, ']'))
	if err != nil {
		return nil // cannot be: the generator wrote it; nothing is allowed
	}
	out := make([]filter.Cube, 0, len(v.Elems()))
	for _, e := range v.Elems() {
		var q filter.Cube
		for _, a := range e.Get("args").Elems() {
			arg, _ := a.Get("index").Uint64()
			q.Mask[arg], _ = a.Get("value").Uint64()
			q.Val[arg], _ = a.Get("valueTwo").Uint64()
		}
		out = append(out, q)
	}
	return out
}

// decide says of each of our calls what becomes of it.
func (m *meeting) decide() {
	for i := range calls {
		c := &calls[i]
		a, known := m.verdict(i)
		switch class := c.At(m.set); {
		case class == render.Perm:
			m.refuse(c.Name, strictest(filter.Action{Kind: filter.Errno, Errno: 1}, a, known))
		case class == render.Inval:
			m.refuse(c.Name, strictest(filter.Action{Kind: filter.Errno, Errno: 22}, a, known))
		case class == render.NoSys:
			m.refuse(c.Name, strictest(nosys, a, known))
		case !known:
			m.partly(i)
		case a.Allows():
			m.allowed[i] = true
			if class == render.Allow {
				m.whole = append(m.whole, c.Name)
			} else {
				m.rules = c.AppendDeny(c.AppendAllow(m.rules, m.set), m.set)
			}
		default:
			m.without(c.Name, a, m.named[i])
		}
	}
}

// strictest is what becomes of a call that ours refuses with an errno.
func strictest(ours, engine filter.Action, known bool) filter.Action {
	if known && engine.Kind > filter.Errno {
		return engine
	}
	return ours
}

// without refuses a call that ours would allow. An errno counts where a rule
// names it: the default's is EPERM mostly, and libc falls back on ENOSYS.
func (m *meeting) without(name string, a filter.Action, named bool) {
	switch {
	case a.Kind == filter.Trace || a.Kind == filter.Notify:
		m.note(name + ": " + a.Kind.String() + " refuses it, as nobody is there to decide")
		a = nosys
	case a.Kind == filter.Errno && !named:
		a = m.def
	}
	m.refuse(name, a)
}

// partly allows the part of a call that both allow.
func (m *meeting) partly(i int) {
	c, said := &calls[i], &m.said[i]
	ours := m.cubes(c)
	var both []filter.Cube
	covered := true
	for _, q := range ours {
		if said.Covers(m.engine.Default, q) {
			both = append(both, q)
			continue
		}
		covered = false
		part, ok := said.Meet(m.engine.Default, q)
		if !ok {
			m.note(c.Name + ": the comparisons take too many rules to combine; what they are about is refused")
		}
		both = append(both, part...)
	}
	m.allowed[i] = len(both) > 0
	switch {
	case covered && c.At(m.set) == render.Allow:
		m.whole = append(m.whole, c.Name)
		return
	case covered:
		m.rules = c.AppendAllow(m.rules, m.set)
	default:
		for _, q := range filter.Absorb(both) {
			m.rules = appendRule(m.rules, c.Name, &q)
		}
	}
	if m.def == nosys && c.At(m.set) == render.Filter {
		m.rules = c.AppendDeny(m.rules, m.set)
	}
}

// needs reports whether every version of a runtime makes a call between loading
// the filter and execve(2): runc closes what it holds open by way of
// /proc/self/fd and tells its parent. Found by leaving out one call after the
// other (TestTailIsNeeded). Newer versions of runc need statx and fcntl besides,
// which the runtime itself will say.
func needs(runtime, name string) bool {
	switch name {
	case "execve":
		return true
	case "close", "fstatfs", "getdents64", "openat", "write":
		return runtime == "runc"
	}
	return false
}

func (m *meeting) refuse(name string, a filter.Action) {
	if a == m.def {
		return
	}
	for i := range m.refused {
		if m.refused[i].action == a {
			m.refused[i].names = append(m.refused[i].names, name)
			return
		}
	}
	m.refused = append(m.refused, group{a, []string{name}})
}

func (m *meeting) note(text string) { m.notes = append(m.notes, "seccomp: "+text) }

// tail returns an error where a call is refused that every version of the
// runtime makes between loading the filter and execve(2).
func (m *meeting) tail(runtime string) error {
	if len(m.whole) == 0 {
		return fmt.Errorf("%w: no call is allowed whatever its arguments", ErrTail)
	}
	for i := range calls {
		if !m.allowed[i] && needs(runtime, calls[i].Name) {
			return fmt.Errorf("%w: %s, which %s calls between loading the profile and starting the program", ErrTail, calls[i].Name, runtime)
		}
	}
	return nil
}
