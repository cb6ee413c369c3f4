// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"
	"strconv"
)

// Kind is what happens to a call. A greater Kind is stricter; the order is the
// kernel's own, in which the actions of several filters take precedence
// (seccomp(2), "filter return values").
type Kind uint8

const (
	Allow Kind = iota
	Log
	Trace
	Notify
	Errno
	Trap
	KillThread
	KillProcess
)

// Action is a Kind, with the number that Errno returns.
type Action struct {
	Kind  Kind
	Errno uint16
}

// Allows reports whether the call is made. Log lets it through; Trace and
// Notify do not: without a tracer or a supervisor the kernel answers ENOSYS
// (seccomp(2)), and runclad gives a container neither.
func (a Action) Allows() bool { return a.Kind <= Log }

// The numbers of an Errno action that gives none, and of what the kernel
// answers where there is no tracer and no supervisor.
const (
	eperm  = 1
	enosys = 38
)

var kindNames = [...]string{
	"SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY",
	"SCMP_ACT_ERRNO", "SCMP_ACT_TRAP", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS",
}

// String returns the specification's name for the kind.
func (k Kind) String() string { return kindNames[k] }

func (a Action) String() string {
	if a.Kind == Errno {
		return a.Kind.String() + "(" + strconv.Itoa(int(a.Errno)) + ")"
	}
	return a.Kind.String()
}

// stricter returns the stricter of two actions, a if they are equally strict.
func stricter(a, b Action) Action {
	if b.Kind > a.Kind {
		return b
	}
	return a
}

// ErrFilter is wrapped by the errors about an object that no runtime would
// load, or that says something not known here.
var ErrFilter = errors.New("seccomp profile")

func parseAction(name string) (Kind, error) {
	if name == "SCMP_ACT_KILL" { // its name before KILL_PROCESS came
		return KillThread, nil
	}
	for k, n := range kindNames {
		if n == name {
			return Kind(k), nil
		}
	}
	return 0, fmt.Errorf("%w: action %q is not known", ErrFilter, name)
}
