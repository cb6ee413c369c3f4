// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"strings"
	"testing"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
)

// ordinary is a container of root's as Docker and Kubernetes send it, with some
// of what its image may ask for already tightened.
const ordinary = `{"ociVersion":"1.0.2","process":{"args":["sh"],"cwd":"/","user":{"uid":0,"gid":0,"additionalGids":[0,10]},"env":["HOME=/root"],
"noNewPrivileges":true,"capabilities":{"bounding":["CAP_CHOWN","CAP_SYS_ADMIN"],"effective":["CAP_CHOWN","CAP_SYS_ADMIN"],"permitted":["CAP_CHOWN","CAP_SYS_ADMIN"]}},
"root":{"path":"rootfs","readonly":true},"mounts":[{"destination":"/proc","type":"proc","source":"proc"},
{"destination":"/sys","type":"sysfs","source":"sysfs","options":["ro"]},{"destination":"/v","type":"bind","source":"/srv/v","options":["rbind"]},
{"destination":"/t","type":"tmpfs","source":"tmpfs"}],"linux":{"maskedPaths":["/proc/kcore"],"readonlyPaths":["/proc/sys"],
"seccomp":{"defaultAction":"SCMP_ACT_ERRNO"},"namespaces":[{"type":"mount"},{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"network"}]}}`

// TestBrokenInvariantsOfProfiles undoes, one at a time, what the loosened
// profiles still promise.
func TestBrokenInvariantsOfProfiles(t *testing.T) {
	const baseline, system = policy.ProfileBaseline, policy.ProfileSystem
	for _, tc := range []struct {
		name, profile string
		want          control.Control
		where, key    string
		to            string // JSON
	}{
		{"another user", baseline, control.Identity, "process.user", "uid", `1`},
		{"another user", system, control.Identity, "process.user", "uid", `1`},
		{"a group more", baseline, control.Identity, "process.user", "additionalGids", `[0,10,42]`},
		{"a capability that is not listed", baseline, control.Capabilities, "process.capabilities", "bounding", `["CAP_SYS_ADMIN"]`},
		{"a capability that was not given", system, control.Capabilities, "process.capabilities", "effective", `["CAP_SYS_MODULE"]`},
		{"root's ambient", system, control.Capabilities, "process.capabilities", "ambient", `["CAP_CHOWN"]`},
		{"a set left out", system, control.Capabilities, "process", "capabilities", `{"bounding":[]}`},
		{"new privileges, not asked for", baseline, control.Privileges, "process", "noNewPrivileges", `false`},
		{"writable, not asked for", baseline, control.Rootfs, "root", "readonly", `false`},
		{"another filter", baseline, control.Seccomp, "linux", "seccomp", `{"defaultAction":"SCMP_ACT_ALLOW"}`},
		{"another filter", system, control.Seccomp, "linux", "seccomp", `{"defaultAction":"SCMP_ACT_ALLOW"}`},
		{"not masked", baseline, control.MaskedPaths, "linux", "maskedPaths", `["/proc/kcore"]`},
		{"less masked than asked for", system, control.MaskedPaths, "linux", "maskedPaths", `[]`},
		{"writable, not asked for", system, control.MaskedPaths, "linux", "readonlyPaths", `[]`},
		{"host's PIDs", baseline, control.Namespaces, "linux", "namespaces", `[{"type":"mount"},{"type":"ipc"},{"type":"uts"},{"type":"network"}]`},
		{"host's name", baseline, control.Namespaces, "linux", "namespaces", `[{"type":"mount"},{"type":"pid"},{"type":"ipc"},{"type":"network"}]`},
		{"no mount namespace", system, control.Namespaces, "linux", "namespaces", `[]`},
		{"sysctl", baseline, control.Sysctls, "linux", "sysctl", `{"kernel.panic":"1"}`},
		{"an order to the runtime", system, control.Annotations, "", "annotations", `{"run.oci.handler":"x"}`},
		{"a hook", system, control.Hooks, "", "hooks", `{"poststop":[{"path":"/bin/sh"}]}`},
		{"a device", baseline, control.Devices, "linux", "devices", `[{"path":"/dev/sda","type":"b","major":8,"minor":0}]`},
		{"all devices", baseline, control.Devices, "linux.resources", "devices", `[{"allow":true,"access":"rwm"}]`},
		{"a disk for /dev/null", system, control.Devices, "linux", "devices", `[{"path":"/dev/null","type":"b","major":8,"minor":0}]`},
		{"propagation", baseline, control.Propagation, "linux", "rootfsPropagation", `"shared"`},
		{"no limit on processes", system, control.Limits, "linux.resources", "pids", `{}`},
		{"the root cgroup", system, control.Limits, "linux", "cgroupsPath", `"/"`},
		{"OOM score", baseline, control.Limits, "process", "oomScoreAdj", `-1`},
		{"remount", system, control.Volumes, "", "mounts", `[{"destination":"/x","type":"tmpfs","options":["remount"]}]`},
		{"suid on a tmpfs", system, control.Volumes, "", "mounts", `[{"destination":"/x","type":"tmpfs","options":["noexec","nodev","size=1"]}]`},
		{"a tmpfs without limit", system, control.Volumes, "", "mounts", `[{"destination":"/x","type":"tmpfs","options":["noexec","nodev","nosuid"]}]`},
		{"a second proc", system, control.KernelFS, "", "mounts", `[{"destination":"/p","type":"proc","options":["nosuid"]}]`},
		{"sysfs", baseline, control.KernelFS, "", "mounts", `[{"destination":"/sys","type":"sysfs","options":["nosuid","nodev","noexec"]}]`},
		{"over the rootfs", system, control.Rootfs, "", "mounts", `[{"destination":"/","type":"tmpfs","options":["noexec","nodev","nosuid","size=1"]}]`},
	} {
		t.Run(tc.profile+"/"+tc.name, func(t *testing.T) {
			doc := parse(t, ordinary)
			e := newEdit(doc, planFor(doc, "docker", policy.Default().Profiles[tc.profile]), container)
			if err := e.run(); err != nil {
				t.Fatal(err)
			}
			to, err := spec.ParseValue([]byte(tc.to))
			if err != nil {
				t.Fatal(err)
			}
			at := doc.Root()
			if tc.where != "" {
				at = doc.Get(strings.Split(tc.where, ".")...)
			}
			doc.Set(at, tc.key, to)
			if err := e.verify(); !errors.Is(err, ErrInvariant) || !strings.Contains(err.Error(), ": "+tc.want.ID+": ") {
				t.Errorf("got %v, want an ErrInvariant of %s", err, tc.want.ID)
			}
		})
	}
}

// TestSystemChangesLittle: of what an agent of the node asks for, only what no
// profile leaves is changed.
func TestSystemChangesLittle(t *testing.T) {
	for name, data := range corpus(t, "*.config.json", 90) {
		doc := parse(t, string(data))
		if Container(doc, planFor(doc, engineOf(name), policy.Default().Profiles[policy.ProfileSystem])) != nil {
			continue // TestCorpus says which
		}
		for _, c := range doc.Changes() {
			switch c.Step {
			case control.Identity.ID, control.Privileges.ID, control.Seccomp.ID, control.MaskedPaths.ID, control.Devices.ID, control.Rootfs.ID,
				control.Writable.ID, control.Propagation.ID, control.Namespaces.ID, control.HostPaths.ID, control.Labels.ID:
				t.Errorf("%s: %s changes %s from %s to %s", name, c.Step, c.Path, c.From, c.To)
			}
		}
	}
}
