// SPDX-License-Identifier: Apache-2.0

package podspec

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/internal/ctl/enginespec/corpus"
)

// pods are what led to the captures of a real containerd's CRI plugin (2.4.2),
// written as a Pod would have them. crictl sent them, not a kubelet: judged leaves
// out what only the kubelet adds.
var pods = map[string]string{
	"02-privileged": `
  containers:
  - {name: priv, image: bbfull, command: [sh, -c, "echo started; sleep 300"], env: [{name: FOO, value: bar}], securityContext: {privileged: true}}`,
	"03-hostns": `
  hostNetwork: true
  hostPID: true
  hostIPC: true
  containers:
  - name: hostns
    image: bbfull
    command: [sh, -c, "echo started; sleep 300"]
    env: [{name: FOO, value: bar}]
    securityContext: {seccompProfile: {type: RuntimeDefault}}`,
	"04-ro-user-mounts": `
  securityContext: {runAsUser: 1000, runAsGroup: 1000, supplementalGroups: [5]}
  volumes:
  - {name: v, hostPath: {path: /srv/engine/vol}}
  - {name: h, hostPath: {path: /etc}}
  containers:
  - name: ro
    image: bbfull
    command: [sh, -c, "echo started; sleep 300"]
    env: [{name: FOO, value: bar}]
    securityContext:
      readOnlyRootFilesystem: true
      allowPrivilegeEscalation: false
      capabilities: {add: [NET_ADMIN], drop: [ALL]}
      seccompProfile: {type: RuntimeDefault}
    volumeMounts:
    - {name: v, mountPath: /v, readOnly: true}
    - {name: v, mountPath: /w, mountPropagation: Bidirectional}
    - {name: h, mountPath: /h}`,
	"05-shared-pid": `
  shareProcessNamespace: true
  containers:
  - {name: sp, image: bbfull, command: [sh, -c, "echo started; sleep 300"], env: [{name: FOO, value: bar}], securityContext: {seccompProfile: {type: RuntimeDefault}}}`,
	"07-tty": `
  containers:
  - {name: tp, image: bbfull, command: [sh], tty: true, env: [{name: FOO, value: bar}], securityContext: {seccompProfile: {type: RuntimeDefault}}}`,
	"10-unconfined": `
  containers:
  - {name: sec, image: bbfull, command: [sh, -c, "echo started; sleep 300"], env: [{name: FOO, value: bar}]}`,
	"11-sysctl": `
  securityContext: {sysctls: [{name: net.ipv4.ip_forward, value: "1"}]}
  containers:
  - {name: sy, image: bbfull, command: [sh, -c, "echo started; sleep 300"], env: [{name: FOO, value: bar}], securityContext: {seccompProfile: {type: RuntimeDefault}}}`,
}

func fromYAML(t *testing.T, spec string) []*Container {
	t.Helper()
	pod, err := Parse([]byte("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:" + spec + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := Make(pod, "/rootfs")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// judged is what runclad judges of a specification, in a form in which the two
// can be compared.
func judged(t *testing.T, s *specs.Spec, host bool) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, m := range s.Mounts {
		switch {
		case strings.HasPrefix(m.Destination, "/var/run/secrets/"), m.Destination == "/dev/termination-log", m.Destination == "/etc/hosts":
			continue // the kubelet's
		}
		source := m.Source
		if i := strings.Index(source, "/sandboxes/"); i >= 0 {
			source = "SANDBOX/" + filepath.Base(source)
		}
		out["mount "+m.Destination] = fmt.Sprint(m.Type, " ", source, " ", slices.Sorted(slices.Values(m.Options)))
	}
	for _, ns := range s.Linux.Namespaces {
		whose := "own"
		switch {
		case strings.HasPrefix(ns.Path, "/proc/self/"):
			whose = "host's"
		case ns.Path != "":
			whose = "the pod's"
			if host && ns.Type != specs.MountNamespace {
				whose = "host's"
			}
		}
		out["namespace "+string(ns.Type)] = whose
	}
	p := s.Process
	caps := func(list []string) string {
		if len(list) >= 38 {
			return "all"
		}
		return fmt.Sprint(slices.Sorted(slices.Values(list)))
	}
	out["bounding"], out["effective"], out["permitted"] = caps(p.Capabilities.Bounding), caps(p.Capabilities.Effective), caps(p.Capabilities.Permitted)
	groups := slices.Sorted(slices.Values(p.User.AdditionalGids))
	out["user"] = fmt.Sprint(p.User.UID, p.User.GID, groups)
	out["process"] = fmt.Sprintf("%q %s %t %t", p.Args, p.Cwd, p.Terminal, p.NoNewPrivileges)
	out["readonly"] = s.Root.Readonly
	out["sysctl"] = fmt.Sprint(s.Linux.Sysctl)
	out["seccomp"] = s.Linux.Seccomp != nil
	out["masked"], out["readonlyPaths"] = len(s.Linux.MaskedPaths) > 0, len(s.Linux.ReadonlyPaths) > 0
	out["devices"] = len(s.Linux.Devices) > 0
	rules, err := json.Marshal(s.Linux.Resources.Devices)
	if err != nil {
		t.Fatal(err)
	}
	out["rules"] = string(rules)
	out["propagation"] = s.Linux.RootfsPropagation
	return out
}

func TestCorpus(t *testing.T) {
	for scenario, text := range pods {
		list := fromYAML(t, text)
		if len(list) != 2 {
			t.Fatalf("%d containers", len(list))
		}
		for i, kind := range []string{"runp", "start"} {
			t.Run(scenario+"-"+kind, func(t *testing.T) {
				host := scenario == "03-hostns" && kind == "start"
				corpus.Compare(t, judged(t, list[i].Spec, host), judged(t, corpus.Spec(t, "cri/"+scenario+"-"+kind), host))
			})
		}
	}
}
