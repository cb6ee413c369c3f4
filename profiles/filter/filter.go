// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"
	"strings"

	"github.com/runclad/runclad/internal/spec"
)

// Filter is a linux.seccomp object as the runtimes read it.
type Filter struct {
	Default Action
	// Rules in the object's order, without those that runtimes skip because
	// their action is the default one.
	Rules []Rule
	// Listener is set where the object names a supervisor's socket.
	Listener bool
	// Flags are the filter flags that it asks for.
	Flags []string
	// Architectures, by their names without SCMP_ARCH_.
	Architectures []string

	calls map[string]*Call
}

// Rule is one member of the syscalls array.
type Rule struct {
	Names  []string
	Action Action
	// Terms are alternatives, each a conjunction; none means any arguments.
	// A member that compares one argument twice has a term for each
	// comparison: runc reads it so (libcontainer/seccomp, matchCall), and crun
	// after it.
	Terms [][]Cond
	// Ops are the operators as they are written, for a reader of the profile.
	Ops []string
	// Twice is set where an argument is compared twice.
	Twice bool
}

// Parse reads a linux.seccomp object. An action or operator that is not known,
// a number that does not fit, or too many rules are errors that wrap ErrFilter.
func Parse(v *spec.Value) (*Filter, error) {
	if v.Kind() != spec.Object {
		return nil, fmt.Errorf("%w: it is no object", ErrFilter)
	}
	f := &Filter{Listener: v.Get("listenerPath").Str() != "", Flags: v.Get("flags").Strs()}
	for _, a := range v.Get("architectures").Strs() {
		f.Architectures = append(f.Architectures, strings.TrimPrefix(a, "SCMP_ARCH_"))
	}
	var err error
	if f.Default, err = action(v.Get("defaultAction").Str(), v.Get("defaultErrnoRet")); err != nil {
		return nil, fmt.Errorf("defaultAction: %w", err)
	}
	list := v.Get("syscalls").Elems()
	if len(list) > maxRules {
		return nil, fmt.Errorf("%w: %d members of syscalls; %d is the most that is read", ErrFilter, len(list), maxRules)
	}
	f.Rules = make([]Rule, 0, len(list))
	for i, e := range list {
		r, err := rule(e)
		if err != nil {
			return nil, fmt.Errorf("syscalls[%d]: %w", i, err)
		}
		if r.Action != f.Default {
			f.Rules = append(f.Rules, r)
		}
	}
	return f, nil
}

// maxRules bounds the members of syscalls. Docker's have about 30.
const maxRules = 10000

func action(name string, errno *spec.Value) (Action, error) {
	kind, err := parseAction(name)
	if err != nil || kind != Errno {
		return Action{Kind: kind}, err
	}
	if errno == nil {
		return Action{Errno, eperm}, nil
	}
	n, ok := errno.Uint64()
	if !ok || n > 4095 { // MAX_ERRNO of include/linux/err.h
		return Action{}, fmt.Errorf("%w: errno %s is out of range", ErrFilter, errno)
	}
	return Action{Errno, uint16(n)}, nil
}

func rule(e *spec.Value) (r Rule, err error) {
	if r.Action, err = action(e.Get("action").Str(), e.Get("errnoRet")); err != nil {
		return r, err
	}
	r.Names = e.Get("names").Strs()
	args := e.Get("args").Elems()
	if len(args) == 0 {
		return r, nil
	}
	if len(args) > noArgs*2 {
		return r, fmt.Errorf("%w: %d comparisons", ErrFilter, len(args))
	}
	conds := make([]Cond, 0, len(args))
	var seen [noArgs]bool
	for _, a := range args {
		arg, ok := uint64(0), true
		if a.Get("index") != nil {
			arg, ok = a.Get("index").Uint64()
		}
		if !ok || arg >= noArgs {
			return r, fmt.Errorf("%w: argument index %s is out of range", ErrFilter, a.Get("index"))
		}
		var values [2]uint64
		for i, name := range [...]string{"value", "valueTwo"} {
			if n := a.Get(name); n != nil {
				if values[i], ok = n.Uint64(); !ok {
					return r, fmt.Errorf("%w: %s %s is out of range", ErrFilter, name, n)
				}
			}
		}
		op := a.Get("op").Str()
		c, err := operator(op, uint8(arg), values[0], values[1])
		if err != nil {
			return r, err
		}
		conds, r.Ops = append(conds, c), append(r.Ops, op)
		r.Twice = r.Twice || seen[arg]
		seen[arg] = true
	}
	if !r.Twice {
		r.Terms = [][]Cond{conds}
		return r, nil
	}
	for i := range conds {
		r.Terms = append(r.Terms, conds[i:i+1:i+1])
	}
	return r, nil
}

// Lone reports whether the rule is for any arguments.
func (r *Rule) Lone() bool { return len(r.Terms) == 0 }
