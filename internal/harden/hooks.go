// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"slices"
	"strings"

	"github.com/runclad/runclad/internal/hook"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

// hookKinds are the points at which a runtime runs programs of the host as
// root (config.md, "POSIX-platform Hooks").
var hookKinds = [...]string{"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}

// applyHooks refuses hooks that the policy does not name. Docker's own prestart
// hook, by which dockerd hands the new netns to its network driver, is known.
//
// One that runclad itself put there for another container, when the bundle was
// hardened before, goes: it would ask for a record that is not this one's.
func applyHooks(e *edit) {
	for _, kind := range hookKinds {
		for _, h := range slices.Clone(e.doc.Get("hooks", kind).Elems()) {
			if args := h.Get("args").Strs(); len(args) > 0 && args[0] == hook.Name && !h.Equal(e.Hook) {
				e.doc.Remove(h)
			} else if !hookAllowed(e, kind, h) {
				p := h.Get("path").Str()
				e.refuse("hooks = ["+quote(p)+"]", "the %s hook %s runs as root on the host", kind, p)
			}
		}
	}
}

func hookAllowed(e *edit, kind string, h *spec.Value) bool {
	if h.Equal(e.Hook) {
		return true
	}
	p := h.Get("path").Str()
	args := h.Get("args").Strs()
	if e.Workload.Engine == workload.Docker && kind == "prestart" && isProcExe(p) && len(args) > 0 && args[0] == "libnetwork-setkey" {
		return true
	}
	return slices.Contains(e.Profile.Hooks, p)
}

// isProcExe recognises /proc/PID/exe: dockerd names itself so.
func isProcExe(p string) bool {
	pid, ok := strings.CutPrefix(p, "/proc/")
	if !ok {
		return false
	}
	pid, ok = strings.CutSuffix(pid, "/exe")
	return ok && pid != "" && strings.Trim(pid, "0123456789") == ""
}

func verifyHooks(e *edit) error {
	for _, kind := range hookKinds {
		for _, h := range e.doc.Get("hooks", kind).Elems() {
			if !hookAllowed(e, kind, h) {
				return errors.New("a hook that is not allowed: " + h.Get("path").Str())
			}
		}
	}
	return nil
}
