// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"slices"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
)

// looser says in what b allows more than a, or than the identity of a profile
// may. It reads the documents in its own way and shares no code with the steps,
// but for what a bind is.
func looser(identity string, a, b *spec.Document) []string {
	out := looserProcess(identity, a.Get("process"), b.Get("process"))
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if a.Get("root", "readonly").True() && !b.Get("root", "readonly").True() {
		say("the rootfs is writable")
	}
	for _, list := range []string{"maskedPaths", "readonlyPaths"} {
		for _, p := range a.Get("linux", list).Strs() {
			if !slices.Contains(b.Get("linux", list).Strs(), p) {
				say("%s lacks %s", list, p)
			}
		}
	}
	have := map[string]string{}
	for _, ns := range b.Get("linux", "namespaces").Elems() {
		have[ns.Get("type").Str()] = "own" + ns.Get("path").Str()
	}
	for _, ns := range a.Get("linux", "namespaces").Elems() {
		if got := have[ns.Get("type").Str()]; got != "own"+ns.Get("path").Str() && got != "own" {
			say("namespace %s", ns)
		}
	}
	for _, s := range b.Get("linux", "sysctl").Members() {
		comfort := s.Name == "net.ipv4.ip_unprivileged_port_start" || s.Name == "net.ipv4.ping_group_range" // see comforts
		if before := a.Get("linux", "sysctl", s.Name); s.Value.Kind() != spec.Null && !s.Value.Equal(before) && (before != nil || !comfort) {
			say("sysctl %s", s.Name)
		}
	}
	for _, d := range b.Get("linux", "devices").Elems() {
		if !slices.ContainsFunc(a.Get("linux", "devices").Elems(), d.Equal) {
			say("device %s", d)
		}
	}
	for i, r := range b.Get("linux", "resources", "devices").Elems() {
		if r.Get("allow").True() && !slices.ContainsFunc(a.Get("linux", "resources", "devices").Elems(), r.Equal) {
			say("device rule %d %s", i, r)
		}
	}
	if n, ok := a.Get("linux", "resources", "pids", "limit").Int64(); ok && n > 0 {
		if m, ok := b.Get("linux", "resources", "pids", "limit").Int64(); !ok || m <= 0 || m > n {
			say("PIDs limit")
		}
	}
	for _, kind := range []string{"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"} {
		if n, m := len(a.Get("hooks", kind).Elems()), len(b.Get("hooks", kind).Elems()); m > n {
			say("%d hooks %s", m-n, kind)
		}
	}
	for _, m := range a.Get("mounts").Elems() {
		out = append(out, looserMount(m, b)...)
	}
	if p := b.Get("linux", "rootfsPropagation").Str(); (p == "shared" || p == "rshared") && p != a.Get("linux", "rootfsPropagation").Str() {
		say("rootfsPropagation %s", p)
	}
	return out
}

// looserMount looks for m among b's mounts: the flags it had are there.
func looserMount(m *spec.Value, b *spec.Document) []string {
	var best []string
	for _, n := range b.Get("mounts").Elems() {
		if !n.Get("destination").Equal(m.Get("destination")) || !n.Get("type").Equal(m.Get("type")) || !n.Get("source").Equal(m.Get("source")) {
			continue
		}
		var lost []string
		for _, flag := range []string{"ro", "nosuid", "nodev", "noexec"} {
			if inForce(m, flag) && !inForce(n, flag) {
				lost = append(lost, fmt.Sprintf("mount %s lacks %s", m.Get("destination"), flag))
			}
		}
		for _, o := range n.Get("options").Strs() {
			if (o == "shared" || o == "rshared") && !slices.Contains(m.Get("options").Strs(), o) {
				lost = append(lost, fmt.Sprintf("mount %s is %s", m.Get("destination"), o))
			}
		}
		if len(lost) == 0 {
			return nil
		}
		best = lost
	}
	return best // none if it was replaced, as /etc/passwd is
}

// inForce applies the options as runc's parseMountOptions does.
func inForce(m *spec.Value, flag string) bool {
	clear := map[string]string{"ro": "rw", "nosuid": "suid", "nodev": "dev", "noexec": "exec"}[flag]
	plain, tree, cleared := false, false, false
	for _, o := range m.Get("options").Strs() {
		switch o {
		case flag:
			plain = true
		case clear:
			plain = false
		case "r" + flag:
			tree, cleared = true, false
		case "r" + clear:
			tree, cleared = false, true
		}
	}
	if !host.IsBind(m) {
		return plain
	}
	return tree || plain && !cleared
}

func looserProcess(identity string, a, b *spec.Value) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, set := range []string{"bounding", "effective", "inheritable", "permitted", "ambient"} {
		for _, c := range b.Get("capabilities", set).Strs() {
			if !slices.Contains(a.Get("capabilities", set).Strs(), c) {
				say("%s capability %s", set, c)
			}
		}
	}
	if a.Get("noNewPrivileges").True() && !b.Get("noNewPrivileges").True() {
		say("new privileges")
	}
	if identity == policy.IdentityImage {
		if !b.Get("user").Equal(a.Get("user")) {
			say("user %s", b.Get("user"))
		}
	} else {
		if n, ok := b.Get("user", "uid").Int64(); !ok || n == 0 {
			say("UID 0")
		}
		if n, ok := b.Get("user", "gid").Int64(); !ok || n == 0 {
			say("GID 0")
		}
	}
	for _, g := range b.Get("user", "additionalGids").Elems() {
		if !slices.ContainsFunc(a.Get("user", "additionalGids").Elems(), g.Equal) {
			say("group %s", g)
		}
	}
	for _, l := range a.Get("rlimits").Elems() {
		if l.Kind() == spec.Object && !slices.ContainsFunc(b.Get("rlimits").Elems(), l.Equal) {
			say("limit %s", l)
		}
	}
	for _, key := range []string{"apparmorProfile", "selinuxLabel"} {
		if !b.Get(key).Equal(a.Get(key)) {
			say("%s is %s", key, b.Get(key))
		}
	}
	if n, ok := b.Get("oomScoreAdj").Int64(); ok && n < 0 {
		if m, ok := a.Get("oomScoreAdj").Int64(); !ok || n < m {
			say("oomScoreAdj %d", n)
		}
	}
	return out
}

// stepsOwn are the members that steps rewrite; all others must come out as they
// went in, known or not.
var stepsOwn = map[string]bool{
	"capabilities": true, "noNewPrivileges": true, "uid": true, "gid": true, "additionalGids": true, "env": true,
	"readonly": true, "seccomp": true, "maskedPaths": true, "readonlyPaths": true, "options": true, "mounts": true,
	"devices": true, "namespaces": true, "rootfsPropagation": true, "rlimits": true, "oomScoreAdj": true, "scheduler": true,
	"ioPriority": true, "limit": true, "createRuntime": true, "pids.max": true, "source": true,
}

// lostFields lists members of a that b has not, or has with another value. A
// null may give way.
func lostFields(a, b *spec.Value) []string {
	var out []string
	for _, m := range a.Members() {
		if stepsOwn[m.Name] || m.Value.Kind() == spec.Null {
			continue
		}
		n := b.Get(m.Name)
		switch {
		case n.Kind() != m.Value.Kind():
			out = append(out, m.Value.Path())
		case m.Value.Kind() == spec.Object:
			out = append(out, lostFields(m.Value, n)...)
		case m.Value.String() != n.String():
			out = append(out, fmt.Sprintf("%s: %s became %s", m.Value.Path(), m.Value, n))
		}
	}
	return out
}
