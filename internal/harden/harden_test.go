// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"path"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

const (
	testUID  = 2001234567
	filter   = `{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86_64"],"syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}`
	testRoot = "/srv/rootfs"
)

// facts stands in for host.Gather on paths that are not on this host: each
// bind leads where it says, each joined namespace is another container's.
func facts(doc *spec.Document) *host.Facts {
	f := &host.Facts{
		Rootfs: testRoot, Namespaces: map[string]host.Namespace{},
		Sources: map[*spec.Value]host.Source{}, Destinations: map[*spec.Value]string{},
	}
	for _, ns := range doc.Get("linux", "namespaces").Elems() {
		owner := host.Own
		switch p := ns.Get("path").Str(); {
		case strings.HasSuffix(p, "/netns/default"): // Docker's name for the host's
			owner = host.Host
		case record.IsNetns(p): // of a spec that was hardened before
		case p != "":
			owner = host.Joined
		}
		f.Namespaces[ns.Get("type").Str()] = host.Namespace{Owner: owner, Path: ns.Get("path").Str()}
	}
	covered := map[string]bool{}
	for _, m := range doc.Get("mounts").Elems() {
		dest := path.Clean("/" + m.Get("destination").Str())
		if rest, ok := strings.CutPrefix(dest, "/var/run/"); ok {
			dest = "/run/" + rest
		}
		f.Destinations[m] = dest
		covered[dest] = true
		if host.IsBind(m) {
			mode := uint32(unix.S_IFREG)
			if strings.HasSuffix(m.Get("source").Str(), ".sock") {
				mode = unix.S_IFSOCK
			}
			f.Sources[m] = host.Source{Path: m.Get("source").Str(), Mode: mode}
		}
	}
	for _, p := range []host.Place{{Path: "/tmp", Why: host.Scratch}, {Path: "/var/tmp", Why: host.Scratch}, {Path: "/run", Why: host.Run}} {
		if !covered[p.Path] {
			f.Places = append(f.Places, p)
		}
	}
	return f
}

func plan(doc *spec.Document, engine string) *Plan {
	return planFor(doc, engine, policy.Default().Profile())
}

// planFor makes the choices that package runtime makes for a profile.
func planFor(doc *spec.Document, engine string, profile *policy.Profile) *Plan {
	f := facts(doc)
	p := &Plan{
		Profile: profile, Workload: workload.Workload{Engine: engine}, Facts: f,
		ContainerID: "c1", Bundle: "/srv/bundle", Root: "/srv/root", UID: testUID, GID: testUID, Home: "/tmp",
		Passwd: "/run/runclad/container/x/passwd", Group: "/run/runclad/container/x/group",
		Seccomp: spec.Raw(filter),
	}
	if profile.WritableRootfs {
		f.Places = nil
	}
	for _, place := range f.Places {
		place.Exec = profile.Runs(place.Path)
		p.Places = append(p.Places, Place{Place: place})
	}
	if profile.Identity == policy.IdentityImage {
		p.Passwd, p.Group = "", ""
	}
	asked := doc.Get("linux", "seccomp")
	if profile.Seccomp == policy.SeccompUnconfined || profile.Seccomp == policy.SeccompKeep && asked != nil {
		p.Seccomp = asked.Clone()
	}
	return p
}

func parse(t testing.TB, in string) *spec.Document {
	t.Helper()
	doc, err := spec.ParseSpec([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
