// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/identity"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
)

// firstOrdinaryGroup separates the groups that an operator gives a container
// (Kubernetes' fsGroup and supplementalGroups, docker run --group-add) from the
// system groups of the image and the host, disk, shadow and docker among them
// (Debian Policy 9.2.2: below 1000).
const firstOrdinaryGroup = 1000

// applyIdentity gives the process who it is to be.
func applyIdentity(e *edit) {
	switch e.Profile.Identity {
	case policy.IdentityImage: // whom the engine asked for
	default:
		applyUser(e)
		applyHome(e)
	}
}

// applyUser gives the process the container's UID and GID whatever its engine or
// image asked for, and reduces the additional groups.
func applyUser(e *edit) {
	user := e.doc.Ensure(e.process, "user", spec.Object)
	e.doc.Set(user, "uid", spec.Int(int64(e.UID)))
	e.doc.Set(user, "gid", spec.Int(int64(e.GID)))
	if groups := user.Get("additionalGids"); groups != nil {
		kept := []*spec.Value{}
		for _, g := range groups.Elems() {
			if ordinaryGroup(e, g) {
				kept = append(kept, g.Clone())
			}
		}
		e.doc.Set(user, "additionalGids", spec.List(kept...))
	}
}

// ordinaryGroup refuses what a runtime could cut down to 32 bits, (gid_t)-1, and
// what the container's user namespace does not map.
func ordinaryGroup(e *edit, g *spec.Value) bool {
	n, ok := g.Int64()
	if e.Userns.Own() && n >= identity.BlockSize {
		return false
	}
	return ok && n >= firstOrdinaryGroup && n < 1<<32-1
}

// applyHome points HOME at a place that the process can use if it is unset or
// root's: a HOME that cannot be read breaks shells, Java, pip and ssh.
func applyHome(e *edit) {
	if home := environ(e.process, "HOME"); home != "" && home != "/root" && home != "/" {
		return
	}
	// One by one: the audit line shows what was changed, and the environment
	// holds secrets.
	env := e.doc.Ensure(e.process, "env", spec.Array)
	for _, kv := range slices.Clone(env.Elems()) {
		if strings.HasPrefix(kv.Str(), "HOME=") {
			e.doc.Remove(kv)
		}
	}
	e.doc.Add(env, spec.Text("HOME="+e.Home))
}

// environ returns a variable's value, the last one if it is repeated.
func environ(process *spec.Value, name string) string {
	v := ""
	for _, kv := range process.Get("env").Elems() {
		if s, ok := strings.CutPrefix(kv.Str(), name+"="); ok {
			v = s
		}
	}
	return v
}

func verifyIdentity(e *edit) error {
	user := e.process.Get("user")
	if e.Profile.Identity == policy.IdentityImage {
		if !user.Equal(e.asked.user) {
			return fmt.Errorf("the process runs as %s, and its engine asked for %s", user, e.asked.user)
		}
		return nil
	}
	uid, okUID := user.Get("uid").Int64()
	gid, okGID := user.Get("gid").Int64()
	mayBeRoot := e.Granted || e.Userns != nil && uid == 0 && gid == 0
	if !okUID || !okGID || uid != int64(e.UID) || gid != int64(e.GID) || (uid <= 0 || gid <= 0) && !mayBeRoot {
		return fmt.Errorf("the process runs as %s:%s", user.Get("uid"), user.Get("gid"))
	}
	for _, g := range user.Get("additionalGids").Elems() {
		if !ordinaryGroup(e, g) {
			return fmt.Errorf("additional group %s", g)
		}
	}
	if environ(e.process, "HOME") == "" {
		return fmt.Errorf("HOME is not set")
	}
	return nil
}

// applyIdentityFiles mounts passwd and group files that know the container's
// user over the image's, in the place of a bind of the engine's if there is one
// (the Plan's files were made from that one's content). A mount on /etc itself
// is the user's own and is left alone. Where the Plan has none, those of an
// earlier container of the same bundle go: they may be gone by now.
func applyIdentityFiles(e *edit) {
	for _, f := range [...]struct{ dest, source string }{{"/etc/passwd", e.Passwd}, {"/etc/group", e.Group}} {
		for _, m := range e.doc.Get("mounts").Elems() {
			dest := path.Clean("/" + m.Get("destination").Str())
			if dest == f.dest && (f.source != "" || Own(m.Get("source").Str(), dest)) {
				e.doc.Remove(m)
				break
			}
		}
		if f.source == "" {
			continue
		}
		mounts := e.doc.Ensure(e.doc.Root(), "mounts", spec.Array)
		e.doc.Add(mounts, spec.Map(
			spec.M("destination", spec.Text(f.dest)), spec.M("type", spec.Text("bind")), spec.M("source", spec.Text(f.source)),
			spec.M("options", spec.Texts("bind", "rprivate", "ro", "nosuid", "nodev", "noexec"))))
	}
}

func verifyIdentityFiles(e *edit) error {
	for _, f := range [...]struct{ dest, source string }{{"/etc/passwd", e.Passwd}, {"/etc/group", e.Group}} {
		last, writable := "", ""
		for _, m := range e.doc.Get("mounts").Elems() {
			if m.Get("destination").Str() == f.dest && host.IsBind(m) {
				last, writable = m.Get("source").Str(), loose(m, "ro")
			}
		}
		if f.source != "" && (last != f.source || writable != "") {
			return fmt.Errorf("%s is bound from %s", f.dest, strconv.Quote(last))
		}
	}
	return nil
}
