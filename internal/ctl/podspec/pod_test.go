// SPDX-License-Identifier: Apache-2.0

package podspec

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const head = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
	for name, tt := range map[string]struct{ text, want string }{
		"kind":          {"apiVersion: apps/v1\nkind: Deployment\n", "it is a Deployment of apps/v1"},
		"unknown field": {head + "spec: {containers: [{name: c, priviledged: true}]}\n", `unknown field "priviledged"`},
		"no container":  {head + "spec: {}\n", "no container"},
		"no YAML":       {head + "  x: [\n", "line"},
	} {
		if _, err := Parse([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestVolumes(t *testing.T) {
	list := fromYAML(t, `
  volumes:
  - {name: a, emptyDir: {}}
  - {name: b, configMap: {name: x}}
  - {name: c, persistentVolumeClaim: {claimName: x}}
  - {name: d, hostPath: {path: /srv/d}}
  initContainers: [{name: i, image: x}]
  containers:
  - name: c
    image: x
    resources: {limits: {memory: 64Mi, example.com/gpu: "1"}}
    volumeMounts:
    - {name: a, mountPath: /a}
    - {name: b, mountPath: /b, subPath: f, readOnly: true}
    - {name: c, mountPath: /c, mountPropagation: HostToContainer}
    - {name: d, mountPath: /d, subPath: sub}
    - {name: a, mountPath: /dev/shm}`)
	if len(list) != 3 || list[1].Title != "init container i" || list[2].Title != "container c" {
		t.Fatalf("%d containers", len(list))
	}
	c := list[2]
	var got []string
	for _, m := range c.Spec.Mounts {
		if len(m.Destination) == 2 || m.Destination == "/dev/shm" {
			got = append(got, m.Destination+" "+strings.TrimPrefix(m.Source, podDir)+" "+strings.Join(m.Options, ","))
		}
	}
	want := []string{
		"/a /volumes/kubernetes.io~empty-dir/a rbind,rprivate,rw",
		"/b /volume-subpaths/b/c/1 rbind,rprivate,ro",
		"/c /volumes/kubernetes.io~csi/c/mount rbind,rslave,rw",
		"/d /srv/d/sub rbind,rprivate,rw",
		"/dev/shm /volumes/kubernetes.io~empty-dir/a rbind,rprivate,rw",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if l := c.Spec.Linux.Resources.Memory; l == nil || *l.Limit != 64<<20 {
		t.Errorf("memory %+v", l)
	}
	if !strings.Contains(strings.Join(c.Unknown, "\n"), "example.com/gpu") {
		t.Errorf("%q", c.Unknown)
	}
}

func TestMissingVolume(t *testing.T) {
	pod, err := Parse([]byte("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: x, volumeMounts: [{name: v, mountPath: /v}]}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Make(pod, "/rootfs"); err == nil || !strings.Contains(err.Error(), "container c: volumeMounts: there is no volume v") {
		t.Error(err)
	}
}

// A pod's requests to runclad reach the specification, its other annotations do
// not; nor do forged ones of CRI's.
func TestAnnotations(t *testing.T) {
	pod, err := Parse([]byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"web-","annotations":{"dev.runclad.seccomp":"strict","x":"y","io.kubernetes.cri.container-type":"sandbox"}},` +
		`"spec":{"hostUsers":false,"containers":[{"name":"c","image":"x"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	list, err := Make(pod, "/rootfs")
	if err != nil {
		t.Fatal(err)
	}
	c := list[1]
	if a := c.Spec.Annotations; a["dev.runclad.seccomp"] != "strict" || a["x"] != "" || a["io.kubernetes.cri.container-type"] != "container" {
		t.Errorf("%v", a)
	}
	if c.Workload.Namespace != "default" || c.Workload.Pod != "web-00000" || c.Workload.Sandbox || !list[0].Workload.Sandbox {
		t.Errorf("%+v", c.Workload)
	}
	if len(c.Spec.Linux.UIDMappings) != 1 {
		t.Error("the user namespace has no mapping")
	}
}
