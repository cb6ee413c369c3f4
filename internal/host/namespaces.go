// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/spec"
)

// nsFile maps a namespace type of the OCI spec (config-linux.md, "Namespaces")
// to its name under /proc/PID/ns (namespaces(7)).
func nsFile(typ string) string {
	switch typ {
	case "network":
		return "net"
	case "mount":
		return "mnt"
	default:
		return typ
	}
}

func namespaces(doc *spec.Document) (map[string]Namespace, error) {
	out := map[string]Namespace{}
	for _, ns := range doc.Get("linux", "namespaces").Elems() {
		typ, file := ns.Get("type").Str(), ns.Get("path").Str()
		switch typ {
		case "pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time":
		default:
			return nil, fmt.Errorf("linux.namespaces: unknown namespace type %q", typ)
		}
		if _, twice := out[typ]; twice {
			return nil, fmt.Errorf("linux.namespaces: type %q occurs twice", typ)
		}
		if file == "" || typ == "network" && record.IsNetns(file) {
			out[typ] = Namespace{Owner: Own}
			continue
		}
		owner := Joined
		same, err := IsHostNamespace(nsFile(typ), file)
		if err != nil {
			return nil, fmt.Errorf("linux.namespaces: %s: %w", typ, err)
		}
		if same {
			owner = Host
		}
		out[typ] = Namespace{Owner: owner, Path: file}
	}
	return out, nil
}

// IsHostNamespace reports whether the namespace file of the given name under
// /proc/PID/ns is the host's. It compares by inode: a host-network container of
// CRI has a netns path too. The host is where the engine runs and where init
// runs, which differ when the engine itself sits in a namespace. Where the
// kernel lets root not look at init (ptrace(2) access mode checks: init has
// capabilities that this root lacks), runclad itself runs confined, and what it
// sees is the only host there is.
func IsHostNamespace(name, file string) (bool, error) {
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		return false, &os.PathError{Op: "stat", Path: file, Err: err}
	}
	for _, own := range [...]string{"/proc/self/ns/" + name, "/proc/1/ns/" + name} {
		var host unix.Stat_t
		err := unix.Stat(own, &host)
		if err == unix.EACCES && own[len("/proc/")] == '1' {
			continue
		}
		if err != nil {
			return false, &os.PathError{Op: "stat", Path: own, Err: err}
		}
		if host.Dev == st.Dev && host.Ino == st.Ino {
			return true, nil
		}
	}
	return false, nil
}
