// SPDX-License-Identifier: Apache-2.0

package podspec

import (
	"encoding/json"
	"fmt"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/runclad/runclad/internal/workload"
)

// Where containerd and the kubelet keep what they make for a pod, and the IDs
// that stand for those that they would choose.
const (
	Root      = "/run/containerd/runc/k8s.io"
	SandboxID = "0000000000000000000000000000000000000000000000000000000000000001"
	tasks     = "/run/containerd/io.containerd.runtime.v2.task/k8s.io/"
	stateDir  = "/run/containerd/io.containerd.grpc.v1.cri/sandboxes/" + SandboxID
	rootDir   = "/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/" + SandboxID
	podUID    = "00000000-0000-0000-0000-000000000001"
	podDir    = "/var/lib/kubelet/pods/" + podUID
)

// pauseImage is containerd's default (internal/cri/config).
const pauseImage = "registry.k8s.io/pause:3.10.1"

// Container is one of the containers of a pod.
type Container struct {
	// Title says which.
	Title    string
	ID       string
	Bundle   string
	Spec     *specs.Spec
	Workload workload.Workload
	// Unknown says what the specification could not take into account.
	Unknown []string
}

func (c *Container) unknown(format string, args ...any) {
	c.Unknown = append(c.Unknown, fmt.Sprintf(format, args...))
}

// Config returns the specification as JSON.
func (c *Container) Config() ([]byte, error) { return json.Marshal(c.Spec) }

// Parse reads a Pod, in YAML or JSON. Fields that a Pod does not have are errors.
func Parse(data []byte) (*corev1.Pod, error) {
	var kind struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(data, &kind); err != nil {
		return nil, err
	}
	if kind.Kind != "Pod" || kind.APIVersion != "v1" {
		return nil, fmt.Errorf("it is a %s of %s: want a Pod of v1 (of a Deployment and its like, the template as a Pod)", kind.Kind, kind.APIVersion)
	}
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict(data, &pod); err != nil {
		return nil, err
	}
	if pod.Name == "" && pod.GenerateName == "" || len(pod.Spec.Containers) == 0 {
		return nil, fmt.Errorf("it has no name, or no container")
	}
	return &pod, nil
}

// Make makes the specifications of a pod's containers: the pause container first,
// then those that initialise it, then the others. rootfs is what stands for the
// root directories of their images; it also stands for the pod's namespaces.
func Make(pod *corev1.Pod, rootfs string) ([]*Container, error) {
	m := &maker{pod: pod, rootfs: rootfs, namespace: pod.Namespace, name: pod.Name}
	if m.namespace == "" {
		m.namespace = "default"
	}
	if m.name == "" {
		m.name = pod.GenerateName + "00000"
	}
	out := []*Container{m.sandbox()}
	n := 1
	for _, group := range []struct {
		title string
		list  []corev1.Container
	}{{"init container", pod.Spec.InitContainers}, {"container", pod.Spec.Containers}} {
		for i := range group.list {
			n++
			c, err := m.container(&group.list[i], fmt.Sprintf("%064d", n))
			if err != nil {
				return nil, fmt.Errorf("container %s: %w", group.list[i].Name, err)
			}
			c.Title = group.title + " " + group.list[i].Name
			out = append(out, c)
		}
	}
	return out, nil
}

type maker struct {
	pod             *corev1.Pod
	rootfs          string
	namespace, name string
}

// start makes what all containers of a pod have.
func (m *maker) start(id string) *Container {
	return &Container{
		ID: id, Bundle: tasks + id,
		Spec: &specs.Spec{
			Version: "1.3.0", Root: &specs.Root{Path: m.rootfs}, Process: &specs.Process{Cwd: "/"},
			Linux: &specs.Linux{
				Resources:   &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}}},
				CgroupsPath: "/kubepods/pod" + podUID + "/" + id,
			},
			Annotations: m.annotations(),
		},
		Workload: workload.Workload{Engine: workload.CRI, Namespace: m.namespace, Pod: m.name, PodUID: podUID, SandboxID: SandboxID},
	}
}

// annotations are the pod's requests to runclad, which containerd passes on where
// its configuration names them (pod_annotations), and CRI's own.
func (m *maker) annotations() map[string]string {
	out := map[string]string{
		"io.kubernetes.cri.sandbox-id": SandboxID, "io.kubernetes.cri.sandbox-name": m.name,
		"io.kubernetes.cri.sandbox-namespace": m.namespace, "io.kubernetes.cri.sandbox-uid": podUID,
	}
	for k, v := range m.pod.Annotations {
		if strings.HasPrefix(k, "dev.runclad.") {
			out[k] = v
		}
	}
	return out
}

func is(b *bool) bool { return b != nil && *b }

// security is the pod's security context, never nil.
func (m *maker) security() *corev1.PodSecurityContext {
	if s := m.pod.Spec.SecurityContext; s != nil {
		return s
	}
	return &corev1.PodSecurityContext{}
}

// anyPrivileged: with a privileged container the kubelet makes the sandbox
// privileged too.
func (m *maker) anyPrivileged() bool {
	for _, list := range [][]corev1.Container{m.pod.Spec.InitContainers, m.pod.Spec.Containers} {
		for _, c := range list {
			if c.SecurityContext != nil && is(c.SecurityContext.Privileged) {
				return true
			}
		}
	}
	return false
}

// userNamespace adds that of a pod with hostUsers = false; which IDs it is mapped
// to is the kubelet's choice.
func (m *maker) userNamespace(c *Container) {
	if m.pod.Spec.HostUsers == nil || *m.pod.Spec.HostUsers {
		return
	}
	c.unknown("the IDs that the kubelet maps the pod's user namespace to: 100000 and on are taken")
	maps := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 65536}}
	l := c.Spec.Linux
	l.UIDMappings, l.GIDMappings = maps, maps
	l.Namespaces = append(l.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace, Path: m.rootfs})
}
