// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/spec"
)

// notInvariant are the cases of testdata/steps in which a step changes something
// that is a kindness and no promise.
var notInvariant = map[string]string{
	"identity/image-own-files":    "what they lead to is the same, or gone",
	"devices/defaults":            "the runtime makes them whether they are named or not",
	"host-paths/by-link-harmless": "the source is written out; what it leads to was harmless before",
}

// TestVerifyDoesNotTrustTheSteps: a document that a step would have changed or
// refused, and that comes to Verify as it was, is caught.
func TestVerifyDoesNotTrustTheSteps(t *testing.T) {
	cases, err := filepath.Glob("testdata/steps/*/*.in.json")
	if err != nil || len(cases) < 60 {
		t.Fatal(err, len(cases))
	}
	for _, in := range cases {
		id := filepath.Base(filepath.Dir(in))
		name := id + "/" + strings.TrimSuffix(filepath.Base(in), ".in.json")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(in)
			if err != nil {
				t.Fatal(err)
			}
			var g golden
			if err := json.Unmarshal(data, &g); err != nil {
				t.Fatal(err)
			}
			done := g.edit(t)
			before := done.doc.Bytes()
			for i := range steps {
				if steps[i].control.ID == id && steps[i].scope >= done.scope {
					done.control = steps[i].control
					steps[i].apply(done)
				}
			}
			touched := len(done.refusals) > 0 || !bytes.Equal(before, done.doc.Bytes())
			e := g.edit(t)
			err = nil
			for i := range steps {
				if steps[i].control.ID == id && steps[i].scope >= e.scope {
					err = errors.Join(err, steps[i].verify(e))
				}
			}
			if notInvariant[name] != "" {
				return
			}
			// Lists written out where there were none, and reordered options, are
			// no promise: only what a fresh parse would call another meaning.
			if touched && err == nil && !sameMeaning(before, done.doc.Bytes()) {
				t.Errorf("untouched, and verified:\n%s\nthe step makes\n%s\n%v", before, done.doc.Bytes(), done.refusals)
			}
			if !touched && err != nil {
				t.Errorf("as it should be, and not verified: %v", err)
			}
		})
	}
}

// sameMeaning compares without what says nothing: empty objects, and uid= and
// gid= of a tmpfs, which give it to the container's user so that it is of use.
func sameMeaning(a, b []byte) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	p, _ := json.Marshal(strip(x))
	q, _ := json.Marshal(strip(y))
	return bytes.Equal(p, q)
}

func strip(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e = strip(e); e == nil {
				delete(v, k)
			} else {
				v[k] = e
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		var out []any
		for _, e := range v {
			if s, ok := e.(string); ok && (strings.HasPrefix(s, "uid=") || strings.HasPrefix(s, "gid=")) {
				continue
			}
			out = append(out, strip(e))
		}
		if len(out) == 0 {
			return nil
		}
		return out
	}
	return v
}

// hostile asks for everything that is put right rather than refused.
const hostile = `{"ociVersion":"1.0.2","process":{"args":["sh"],"cwd":"/","user":{"uid":0,"gid":0,"additionalGids":[0]},"env":["A=b"],
"capabilities":{"bounding":["CAP_SYS_ADMIN"],"effective":["CAP_SYS_ADMIN"],"permitted":["CAP_SYS_ADMIN"]},"oomScoreAdj":-5,
"scheduler":{"policy":"SCHED_FIFO","priority":9}},"root":{"path":"rootfs"},"mounts":[{"destination":"/proc","type":"proc","source":"proc"},
{"destination":"/sys","type":"sysfs","source":"sysfs","options":["rw"]},{"destination":"/v","type":"bind","source":"/srv/v","options":["rbind","rshared"]},
{"destination":"/t","type":"tmpfs","source":"tmpfs"}],"linux":{"rootfsPropagation":"shared",
"resources":{"devices":[{"allow":true,"access":"rwm"}],"pids":{"limit":0}},"devices":[{"path":"/dev/sda","type":"b","major":8,"minor":0}],
"namespaces":[{"type":"mount"},{"type":"pid"},{"type":"ipc"},{"type":"network"}]}}`

// TestBrokenInvariants undoes, on a finished document, one promise at a time.
func TestBrokenInvariants(t *testing.T) {
	hook := spec.Map(spec.M("path", spec.Text("/bin/runclad")))
	finished := func(t *testing.T) *edit {
		doc := parse(t, hostile)
		p := plan(doc, "docker")
		p.Hook, p.Network, p.Facts.AppArmor, p.Facts.SELinux = hook, "/run/runclad/container/c1/1/netns", true, true
		if err := Container(doc, p); err != nil {
			t.Fatal(err)
		}
		return newEdit(doc, p, container)
	}
	at := func(e *edit, list, key, name string) *spec.Value {
		for _, v := range e.doc.Get(strings.Split(list, ".")...).Elems() {
			if v.Get(key).Str() == name {
				return v
			}
		}
		t.Fatalf("no %s in %s", name, list)
		return nil
	}
	add := func(e *edit, list string, v *spec.Value) {
		e.doc.Add(e.doc.Get(strings.Split(list, ".")...), v)
	}
	value := func(text string) *spec.Value {
		v, err := spec.ParseValue([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	set := func(where, name, to string) func(*edit) {
		return func(e *edit) {
			v := e.doc.Root()
			if where != "" {
				v = e.doc.Get(strings.Split(where, ".")...)
			}
			e.doc.Set(v, name, value(to))
		}
	}
	drop := func(list, key, name string) func(*edit) {
		return func(e *edit) { e.doc.Remove(at(e, list, key, name)) }
	}
	options := func(dest, to string) func(*edit) {
		return func(e *edit) { e.doc.Set(at(e, "mounts", "destination", dest), "options", value(to)) }
	}
	for name, tc := range map[string]struct {
		want control.Control
		undo func(*edit)
	}{
		"pid namespace":       {control.Namespaces, drop("linux.namespaces", "type", "pid")},
		"uts namespace":       {control.Namespaces, drop("linux.namespaces", "type", "uts")},
		"annotation":          {control.Annotations, set("", "annotations", `{"run.oci.handler":"x"}`)},
		"hook":                {control.Hooks, set("hooks", "poststop", `[{"path":"/bin/sh"}]`)},
		"remount":             {control.Volumes, func(e *edit) { add(e, "mounts", value(`{"destination":"/x","type":"tmpfs","options":["remount"]}`)) }},
		"sysfs":               {control.KernelFS, options("/sys", `["nosuid","noexec","nodev","rw"]`)},
		"bind":                {control.Volumes, options("/v", `["rbind","nosuid"]`)},
		"bind, whole tree":    {control.Volumes, options("/v", `["rbind","nosuid","nodev","rdev"]`)},
		"tmpfs":               {control.Volumes, options("/t", `["nosuid","nodev","noexec"]`)},
		"tmpfs, runc's deaf":  {control.Volumes, options("/t", `["rnosuid","nodev","noexec","size=1"]`)},
		"own passwd writable": {control.Identity, options("/etc/passwd", `["bind","nosuid","nodev","noexec"]`)},
		"propagation":         {control.Propagation, options("/v", `["rbind","nosuid","nodev","rshared"]`)},
		"root propagation":    {control.Propagation, set("linux", "rootfsPropagation", `"shared"`)},
		"rootfs":              {control.Rootfs, set("root", "readonly", `false`)},
		"over the rootfs": {control.Rootfs, func(e *edit) {
			add(e, "mounts", value(`{"destination":"//","type":"tmpfs","options":["nosuid","nodev","noexec","size=1"]}`))
		}},
		"no /tmp":             {control.Writable, drop("mounts", "destination", "/tmp")},
		"device":              {control.Devices, set("linux", "devices", `[{"path":"/dev/null","type":"b","major":8,"minor":0}]`)},
		"device rules":        {control.Devices, set("linux.resources", "devices", `[]`)},
		"device rule":         {control.Devices, func(e *edit) { add(e, "linux.resources.devices", value(`{"allow":true,"type":"a","access":"m"}`)) }},
		"capability":          {control.Capabilities, set("process.capabilities", "ambient", `["CAP_KILL"]`)},
		"capabilities absent": {control.Capabilities, set("process", "capabilities", `{}`)},
		"new privileges":      {control.Privileges, set("process", "noNewPrivileges", `false`)},
		"uid":                 {control.Identity, set("process.user", "uid", `0`)},
		"gid":                 {control.Identity, set("process.user", "gid", `5`)},
		"groups":              {control.Identity, set("process.user", "additionalGids", `[42]`)},
		"groups, 33 bits":     {control.Identity, set("process.user", "additionalGids", `[4294967296]`)},
		"home":                {control.Identity, set("process", "env", `["HOME="]`)},
		"passwd":              {control.Identity, drop("mounts", "destination", "/etc/passwd")},
		"passwd covered": {control.Identity, func(e *edit) {
			add(e, "mounts", value(`{"destination":"/etc/passwd","type":"bind","source":"/srv/p","options":["ro","nosuid","nodev","noexec"]}`))
		}},
		"filter":          {control.Seccomp, set("linux", "seccomp", `{"defaultAction":"SCMP_ACT_ALLOW"}`)},
		"masked":          {control.MaskedPaths, set("linux", "maskedPaths", `[]`)},
		"read-only paths": {control.MaskedPaths, set("linux", "readonlyPaths", `["/proc/sys"]`)},
		"sysctl":          {control.Sysctls, set("linux", "sysctl", `{"kernel.panic":"1"}`)},
		"AppArmor":        {control.Labels, set("process", "apparmorProfile", `"unconfined"`)},
		"SELinux":         {control.Labels, set("process", "selinuxLabel", `"u:r:spc_t:s0"`)},
		"core limit":      {control.Limits, set("process", "rlimits", `[]`)},
		"OOM":             {control.Limits, set("process", "oomScoreAdj", `-1`)},
		"scheduler":       {control.Limits, set("process", "scheduler", `{"policy":"SCHED_RR"}`)},
		"I/O priority":    {control.Limits, set("process", "ioPriority", `{"class":"IOPRIO_CLASS_RT"}`)},
		"pids":            {control.Limits, set("linux.resources", "pids", `{}`)},
		"pids, v2":        {control.Limits, set("linux.resources", "unified", `{"pids.max":"max"}`)},
		"cgroup":          {control.Limits, set("linux", "cgroupsPath", `"/"`)},
		"metadata":        {control.Metadata, set("hooks", "createRuntime", `[]`)},
		"metadata, new network": {control.Metadata, func(e *edit) {
			e.doc.Delete(at(e, "linux.namespaces", "type", "network"), "path")
		}},
		"metadata, another's network": {control.Metadata, func(e *edit) {
			e.doc.Set(at(e, "linux.namespaces", "type", "network"), "path", spec.Text("/var/run/netns/x"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			e := finished(t)
			if err := e.verify(); err != nil {
				t.Fatal(err)
			}
			tc.undo(e)
			err := e.verify()
			if !errors.Is(err, ErrInvariant) || !strings.Contains(err.Error(), ": "+tc.want.ID+": ") {
				t.Errorf("got %v, want an ErrInvariant of %s", err, tc.want.ID)
			}
		})
	}
}

// TestAStepLeftOut: the list of steps run without one of them ends in
// ErrInvariant, for each of them that changes the hostile document.
func TestAStepLeftOut(t *testing.T) {
	caught := 0
	for skip := range steps {
		doc := parse(t, hostile)
		p := plan(doc, "docker")
		p.Hook = spec.Map(spec.M("path", spec.Text("/bin/runclad")))
		e := newEdit(doc, p, container)
		changes := 0
		for i := range steps {
			if i != skip {
				steps[i].apply(e)
				continue
			}
			probe := parse(t, string(doc.Bytes()))
			q := *p
			q.Facts = facts(probe)
			q.Facts.Places = p.Facts.Places
			steps[i].apply(newEdit(probe, &q, container))
			changes = len(probe.Changes())
		}
		err := e.verify()
		if changes > 0 {
			caught++
			if !errors.Is(err, ErrInvariant) {
				t.Errorf("without step %d (%s): %v", skip, steps[skip].control.ID, err)
			}
		}
	}
	if caught < 12 {
		t.Errorf("only %d of %d steps change the hostile document", caught, len(steps))
	}
}
