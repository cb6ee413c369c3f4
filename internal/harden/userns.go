// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/identity"
	"github.com/runclad/runclad/internal/spec"
)

// Userns says that the container's process is UID and GID 0 of a user namespace
// (identity = "root-in-userns").
type Userns struct {
	// Host is the first of identity.BlockSize host IDs that become 0 and
	// following in a user namespace of the container's own; 0 where the engine
	// gives it one.
	Host uint32
	// Rootfs is where the shim has mounted the rootfs with its owners mapped.
	Rootfs string
	// Sysfs and Mqueue are where it has mounted these for a network or an IPC
	// namespace that the container joins, else "".
	Sysfs, Mqueue string
}

// Own reports whether the user namespace is made here.
func (u *Userns) Own() bool { return u != nil && u.Host != 0 }

// applyUserns gives the container a user namespace, in which it is root of
// nothing but its own files. The rootfs is the one that the shim has staged; the
// engine's stays where it is.
func applyUserns(e *edit) {
	if !e.Userns.Own() {
		return
	}
	if e.Facts.Namespaces["pid"].Owner != host.Own {
		e.refuse("", `the container joins a PID namespace, and identity = "root-in-userns" gives it a user namespace that cannot mount /proc for it`)
	}
	linux := e.doc.Ensure(e.doc.Root(), "linux", spec.Object)
	list := e.doc.Ensure(linux, "namespaces", spec.Array)
	if !slices.ContainsFunc(list.Elems(), isUserns) {
		e.doc.Add(list, spec.Map(spec.M("type", spec.Text("user"))))
	}
	for _, key := range [...]string{"uidMappings", "gidMappings"} {
		e.doc.Set(linux, key, e.Userns.mappings())
	}
	e.doc.Set(e.doc.Ensure(e.doc.Root(), "root", spec.Object), "path", spec.Text(e.Userns.Rootfs))
	applyJoinedKernelFS(e)
	applyJoinedSysctls(e)
}

func isUserns(ns *spec.Value) bool { return ns.Get("type").Str() == "user" }

func (u *Userns) mappings() *spec.Value {
	return spec.List(spec.Map(
		spec.M("containerID", spec.Int(0)), spec.M("hostID", spec.Int(int64(u.Host))), spec.M("size", spec.Int(identity.BlockSize))))
}

// staged returns where the shim has mounted a filesystem of the kernel's that
// the container cannot, "" if it can.
func (u *Userns) staged(typ string) string {
	switch typ {
	case "sysfs":
		return u.Sysfs
	case "mqueue":
		return u.Mqueue
	}
	return ""
}

// applyJoinedKernelFS binds what the shim has mounted in the place of the
// engine's mounts.
func applyJoinedKernelFS(e *edit) {
	mounts := e.doc.Get("mounts")
	for i, m := range slices.Clone(mounts.Elems()) {
		staged := e.Userns.staged(m.Get("type").Str())
		if staged == "" || host.IsBind(m) {
			continue
		}
		options := []string{"bind", "rprivate", "nosuid", "noexec", "nodev"}
		if holds(m, m.Get("options").Strs(), "ro") {
			options = append(options, "ro")
		}
		e.doc.Remove(m)
		e.doc.Insert(mounts, i, spec.Map(
			spec.M("destination", m.Get("destination").Clone()), spec.M("type", spec.Text("bind")), spec.M("source", spec.Text(staged)),
			spec.M("options", spec.Texts(options...))))
	}
}

// JoinedSysctls returns the sysctls of a spec, and the comforts, that belong to a
// network or IPC namespace that the container joins. A user namespace of the
// container's own does not own that, so they are for the shim to set.
func JoinedSysctls(doc *spec.Document, p *Plan) []spec.Member {
	facts := p.Facts
	var out []spec.Member
	for _, s := range doc.Get("linux", "sysctl").Members() {
		if ns := SysctlNamespace(s.Name); ns != "" && facts.Namespaces[ns].Owner != host.Own {
			out = append(out, s)
		}
	}
	if facts.Namespaces["network"].Owner == host.Joined {
		for _, c := range comforts(p) {
			if doc.Get("linux", "sysctl", c.Name) == nil {
				out = append(out, c)
			}
		}
	}
	return out
}

// SysctlNamespace returns the type of the namespace that a sysctl belongs to,
// "" for one that belongs to none of these two.
func SysctlNamespace(name string) string {
	switch {
	case strings.HasPrefix(name, "net."):
		return "network"
	case strings.HasPrefix(name, "kernel.shm"), strings.HasPrefix(name, "kernel.msg"), name == "kernel.sem", strings.HasPrefix(name, "fs.mqueue."):
		return "ipc"
	}
	return ""
}

func applyJoinedSysctls(e *edit) {
	applyPingGroups(e)
	for _, s := range JoinedSysctls(e.doc, e.Plan) {
		e.doc.Delete(e.doc.Get("linux", "sysctl"), s.Name)
	}
}

// pingGroups are the groups that may send ICMP echo requests (icmp(7)).
const pingGroups = "net.ipv4.ping_group_range"

// applyPingGroups leaves out groups that the user namespace does not map, which
// the kernel refuses: Docker and Podman name all that there are.
func applyPingGroups(e *edit) {
	sysctls := e.doc.Get("linux", "sysctl")
	groups := strings.Fields(sysctls.Get(pingGroups).Str())
	if len(groups) != 2 {
		return
	}
	if last, err := strconv.ParseUint(groups[1], 10, 32); err == nil && last >= identity.BlockSize {
		e.doc.Set(sysctls, pingGroups, spec.Text(groups[0]+" "+strconv.Itoa(identity.BlockSize-1)))
	}
}

// verifyUserns holds the mapping to the claimed block: no ID of the host's, of
// another container's, or of nobody's.
func verifyUserns(e *edit) error {
	if !e.Userns.Own() {
		return verifyEngineUserns(e)
	}
	u := e.Userns
	if u.Host <= 10000 || u.Host%identity.BlockSize != 0 || uint64(u.Host)+identity.BlockSize >= 1<<32 {
		return fmt.Errorf("the user namespace maps host IDs from %d on", u.Host)
	}
	linux := e.doc.Get("linux")
	found := 0
	for _, ns := range linux.Get("namespaces").Elems() {
		if isUserns(ns) && ns.Get("path").Str() == "" {
			found++
		}
	}
	if found != 1 {
		return errors.New("the container has no user namespace of its own")
	}
	for _, key := range [...]string{"uidMappings", "gidMappings"} {
		if !linux.Get(key).Equal(u.mappings()) {
			return fmt.Errorf("linux.%s is %s", key, linux.Get(key))
		}
	}
	for _, m := range e.doc.Get("mounts").Elems() {
		source := m.Get("source").Str()
		if source == "" || source != u.Sysfs && source != u.Mqueue {
			continue
		}
		missing := loose(m, "nosuid", "noexec", "nodev")
		if missing == "" && source == u.Sysfs {
			missing = loose(m, "ro")
		}
		if missing != "" {
			return fmt.Errorf("%s is not %s", m.Path(), missing)
		}
	}
	if root := e.doc.Get("root", "path").Str(); root != u.Rootfs || root == "" {
		return fmt.Errorf("the rootfs is %s", quote(root))
	}
	return nil
}

// verifyEngineUserns holds a process that is root in the engine's user namespace
// to a mapping without IDs that could be a user's of the host.
func verifyEngineUserns(e *edit) error {
	if e.Userns == nil {
		return nil
	}
	for _, key := range [...]string{"uidMappings", "gidMappings"} {
		lines := e.doc.Get("linux", key).Elems()
		if len(lines) == 0 {
			return errors.New("root has no user namespace")
		}
		for _, l := range lines {
			if first, ok := l.Get("hostID").Int64(); !ok || first <= 10000 {
				return fmt.Errorf("the user namespace maps the host's ID %s", l.Get("hostID"))
			}
		}
	}
	return nil
}
