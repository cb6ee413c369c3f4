// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"strings"
	"testing"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/spec"
)

const (
	block  = 65536 * 30536
	staged = "/run/runclad-stage/rootfs"
)

const rootSpec = `{"ociVersion":"1.0.2","process":{"args":["sh"],"cwd":"/","user":{"uid":0,"gid":0,"additionalGids":[0,10,2000,100000]}},
"root":{"path":"/srv/rootfs"},"mounts":[{"destination":"/proc","type":"proc","source":"proc"},
{"destination":"/sys","type":"sysfs","source":"sysfs","options":["nosuid","noexec","nodev","ro"]},
{"destination":"/dev/mqueue","type":"mqueue","source":"mqueue","options":["nosuid","noexec","nodev"]}],
"linux":{"sysctl":{"net.ipv4.tcp_fin_timeout":"33","net.ipv4.ping_group_range":"0 2147483647","kernel.shm_rmid_forced":"1"},
"namespaces":[{"type":"mount"},{"type":"pid"},{"type":"uts"},{"type":"ipc","path":"/proc/9/ns/ipc"},{"type":"network","path":"/run/netns/x"}]}}`

func rootPlan(doc *spec.Document) *Plan {
	p := plan(doc, "docker")
	p.UID, p.GID, p.Home, p.Passwd, p.Group = 0, 0, "/root", "", ""
	p.Userns = &Userns{Host: block, Rootfs: staged, Sysfs: "/run/runclad-stage/1", Mqueue: "/run/runclad-stage/2"}
	return p
}

func TestUserns(t *testing.T) {
	for name, own := range map[string]bool{"joined": false, "own": true} {
		doc := parse(t, rootSpec)
		p := rootPlan(doc)
		if own {
			p.Facts.Namespaces["network"] = host.Namespace{Owner: host.Own}
			p.Facts.Namespaces["ipc"] = host.Namespace{Owner: host.Own}
			p.Userns.Sysfs, p.Userns.Mqueue = "", ""
		}
		if err := Container(doc, p); err != nil {
			t.Fatal(name, err)
		}
		if got := doc.Get("linux", "uidMappings").String(); got != `[{"containerID":0,"hostID":2001207296,"size":65536}]` {
			t.Errorf("%s: uidMappings %s", name, got)
		}
		if got := doc.Get("process", "user").String(); got != `{"uid":0,"gid":0,"additionalGids":[2000]}` {
			t.Errorf("%s: user %s", name, got)
		}
		if got := doc.Get("root", "path").Str(); got != staged {
			t.Errorf("%s: rootfs %s", name, got)
		}
		types := map[string]string{}
		for _, m := range doc.Get("mounts").Elems() {
			types[m.Get("destination").Str()] = m.Get("type").Str() + " " + m.Get("source").Str()
		}
		want := map[string]string{"/sys": "sysfs sysfs", "/dev/mqueue": "mqueue mqueue"}
		sysctls := map[string]string{"net.ipv4.tcp_fin_timeout": "33", "net.ipv4.ping_group_range": "0 65535", "kernel.shm_rmid_forced": "1"}
		if !own {
			want = map[string]string{"/sys": "bind /run/runclad-stage/1", "/dev/mqueue": "bind /run/runclad-stage/2"}
			sysctls = map[string]string{"net.ipv4.tcp_fin_timeout": "", "net.ipv4.ping_group_range": "", "kernel.shm_rmid_forced": ""}
		}
		for dest, w := range want {
			if types[dest] != w {
				t.Errorf("%s: %s is %s, want %s", name, dest, types[dest], w)
			}
		}
		for key, w := range sysctls {
			if got := doc.Get("linux", "sysctl", key).Str(); got != w {
				t.Errorf("%s: %s is %q, want %q", name, key, got, w)
			}
		}
		before := string(doc.Bytes())
		e := &edit{Plan: p, doc: doc, scope: container, process: doc.Get("process")}
		if applyUserns(e); string(doc.Bytes()) != before {
			t.Errorf("%s: the step is not idempotent:\n%s\n%s", name, before, doc.Bytes())
		}
	}
}

// TestUsernsOfTheEngine: one that the engine gives stays as it is.
func TestUsernsOfTheEngine(t *testing.T) {
	doc := parse(t, strings.Replace(rootSpec, `"linux":{`, `"linux":{"uidMappings":[{"containerID":0,"hostID":100000,"size":65536}],"gidMappings":[{"containerID":0,"hostID":100000,"size":65536}],`, 1))
	p := rootPlan(doc)
	p.Userns = &Userns{}
	if err := Container(doc, p); err != nil {
		t.Fatal(err)
	}
	if got := doc.Get("root", "path").Str() + doc.Get("linux", "uidMappings").String(); got != `/srv/rootfs[{"containerID":0,"hostID":100000,"size":65536}]` {
		t.Errorf("got %s", got)
	}
}

func TestUsernsRefuses(t *testing.T) {
	doc := parse(t, rootSpec)
	p := rootPlan(doc)
	p.Facts.Namespaces["pid"] = host.Namespace{Owner: host.Joined, Path: "/proc/9/ns/pid"}
	var refusals control.Refusals
	if err := Container(doc, p); !errors.As(err, &refusals) || !strings.Contains(err.Error(), "cannot mount /proc") {
		t.Errorf("got %v", err)
	}
}

func TestUsernsVerified(t *testing.T) {
	for name, undo := range map[string]func(*edit){
		"host root": func(e *edit) {
			e.Userns.Host, e.Facts.Namespaces["user"] = 0, host.Namespace{Owner: host.Own} // the engine's, then
			e.doc.Set(e.doc.Get("linux", "gidMappings").Elems()[0], "hostID", spec.Int(0))
		},
		"low": func(e *edit) { e.Userns.Host = 65536 * 40 / 65536 },
		"no namespace": func(e *edit) {
			for _, ns := range e.doc.Get("linux", "namespaces").Elems() {
				if isUserns(ns) {
					e.doc.Remove(ns)
					return
				}
			}
		},
		"another's": func(e *edit) {
			for _, ns := range e.doc.Get("linux", "namespaces").Elems() {
				if isUserns(ns) {
					e.doc.Set(ns, "path", spec.Text("/proc/1/ns/user"))
				}
			}
		},
		"more IDs": func(e *edit) {
			m := e.doc.Get("linux", "uidMappings")
			e.doc.Add(m, spec.Map(spec.M("containerID", spec.Int(70000)), spec.M("hostID", spec.Int(0)), spec.M("size", spec.Int(1))))
		},
		"other groups":   func(e *edit) { e.doc.Delete(e.doc.Get("linux"), "gidMappings") },
		"engine's files": func(e *edit) { e.doc.Set(e.doc.Get("root"), "path", spec.Text("/srv/rootfs")) },
		"root": func(e *edit) {
			e.Userns = nil
		},
		"writable /sys": func(e *edit) {
			for _, m := range e.doc.Get("mounts").Elems() {
				if m.Get("destination").Str() == "/sys" {
					e.doc.Set(m, "options", spec.Texts("bind", "nosuid", "noexec", "nodev"))
				}
			}
		},
	} {
		doc := parse(t, rootSpec)
		p := rootPlan(doc)
		if err := Container(doc, p); err != nil {
			t.Fatal(err)
		}
		e := &edit{Plan: p, doc: doc, scope: container, process: doc.Get("process")}
		undo(e)
		if err := e.verify(); !errors.Is(err, ErrInvariant) || !strings.Contains(err.Error(), control.Identity.ID) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
