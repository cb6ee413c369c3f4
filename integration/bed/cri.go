// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// CRI speaks to containerd as a kubelet does.
type CRI struct {
	t  T
	rs cri.RuntimeServiceClient
}

// A Pod is a pod sandbox that a test made.
type Pod struct {
	c      *CRI
	ID     string
	Config *cri.PodSandboxConfig
}

// CRI connects to the daemon's CRI service and waits for its network.
func (c *Containerd) CRI() *CRI {
	c.t.Helper()
	conn, err := grpc.NewClient("unix://"+c.socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		c.t.Fatalf("bed: %v", err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	k := &CRI{t: c.t, rs: cri.NewRuntimeServiceClient(conn)}
	Eventually(c.t, patience, func() error {
		r, err := k.rs.Status(context.Background(), &cri.StatusRequest{})
		if err != nil {
			return err
		}
		for _, cond := range r.GetStatus().GetConditions() {
			if name := cond.GetType(); !cond.GetStatus() && (name == cri.RuntimeReady || name == cri.NetworkReady) {
				return fmt.Errorf("%s: %s", cond.GetType(), cond.GetMessage())
			}
		}
		return nil
	})
	return k
}

// With returns the same client for a subtest.
func (k *CRI) With(t T) *CRI { return &CRI{t: t, rs: k.rs} }

func deadline() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), commandTimeout)
}

// RunPod makes a pod sandbox with the given runtime handler, changed by change
// before it is sent. It is removed after the test.
func (k *CRI) RunPod(handler string, change func(*cri.PodSandboxConfig)) (*Pod, error) {
	k.t.Helper()
	uid := ID()
	cfg := &cri.PodSandboxConfig{
		Metadata:     &cri.PodSandboxMetadata{Name: "pod-" + uid, Namespace: "default", Uid: uid},
		Hostname:     "pod",
		LogDirectory: Dir(k.t, "pod-logs"),
		Linux: &cri.LinuxPodSandboxConfig{
			CgroupParent:    "/kubepods",
			SecurityContext: &cri.LinuxSandboxSecurityContext{NamespaceOptions: &cri.NamespaceOption{Pid: cri.NamespaceMode_CONTAINER}},
		},
	}
	if change != nil {
		change(cfg)
	}
	ctx, cancel := deadline()
	defer cancel()
	r, err := k.rs.RunPodSandbox(ctx, &cri.RunPodSandboxRequest{Config: cfg, RuntimeHandler: handler})
	if err != nil {
		return nil, err
	}
	p := &Pod{c: k, ID: r.GetPodSandboxId(), Config: cfg}
	k.t.Cleanup(func() { _ = p.Remove() })
	return p, nil
}

// MustPod is RunPod that fails the test.
func (k *CRI) MustPod(handler string, change func(*cri.PodSandboxConfig)) *Pod {
	k.t.Helper()
	p, err := k.RunPod(handler, change)
	if err != nil {
		k.t.Fatalf("RunPodSandbox: %v", err)
	}
	return p
}

// Start creates and starts a container in the pod.
func (p *Pod) Start(name string, change func(*cri.ContainerConfig), args ...string) (string, error) {
	cfg := &cri.ContainerConfig{
		Metadata: &cri.ContainerMetadata{Name: name},
		Image:    &cri.ImageSpec{Image: FullImage},
		Command:  args,
		LogPath:  name + ".log",
		Linux:    &cri.LinuxContainerConfig{SecurityContext: &cri.LinuxContainerSecurityContext{NamespaceOptions: &cri.NamespaceOption{Pid: cri.NamespaceMode_CONTAINER}}},
	}
	if change != nil {
		change(cfg)
	}
	ctx, cancel := deadline()
	defer cancel()
	r, err := p.c.rs.CreateContainer(ctx, &cri.CreateContainerRequest{PodSandboxId: p.ID, Config: cfg, SandboxConfig: p.Config})
	if err != nil {
		return "", fmt.Errorf("CreateContainer: %w", err)
	}
	_, err = p.c.rs.StartContainer(ctx, &cri.StartContainerRequest{ContainerId: r.GetContainerId()})
	if err != nil {
		return r.GetContainerId(), fmt.Errorf("StartContainer: %w", err)
	}
	return r.GetContainerId(), nil
}

// MustStart is Start that fails the test.
func (p *Pod) MustStart(name string, change func(*cri.ContainerConfig), args ...string) string {
	p.c.t.Helper()
	id, err := p.Start(name, change, args...)
	if err != nil {
		p.c.t.Fatalf("%v", err)
	}
	return id
}

// Exec runs a command in a container by ExecSync, as an exec probe does.
func (k *CRI) Exec(id string, args ...string) Result {
	k.t.Helper()
	ctx, cancel := deadline()
	defer cancel()
	start := time.Now()
	r, err := k.rs.ExecSync(ctx, &cri.ExecSyncRequest{ContainerId: id, Cmd: args, Timeout: 30})
	out := Result{Args: append([]string{"ExecSync", id}, args...), Took: time.Since(start), Code: -1}
	if err != nil {
		out.Stderr = err.Error()
		return out
	}
	out.Code, out.Stdout, out.Stderr = int(r.GetExitCode()), string(r.GetStdout()), string(r.GetStderr())
	return out
}

// Log reads what a container printed: the lines of its log without CRI's
// prefix of time, stream and tag.
func (p *Pod) Log(name string) string {
	p.c.t.Helper()
	b, err := os.ReadFile(filepath.Join(p.Config.GetLogDirectory(), name+".log"))
	if err != nil {
		p.c.t.Fatalf("bed: %v", err)
	}
	var out strings.Builder
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(line, " ", 4)
		if len(f) != 4 {
			continue
		}
		text := f[3]
		if f[2] == "P" { // a part of a long line
			text = strings.TrimSuffix(text, "\n")
		}
		out.WriteString(text)
	}
	return out.String()
}

// Status returns a container's state and exit code.
func (k *CRI) Status(id string) (cri.ContainerState, int32, error) {
	ctx, cancel := deadline()
	defer cancel()
	r, err := k.rs.ContainerStatus(ctx, &cri.ContainerStatusRequest{ContainerId: id})
	return r.GetStatus().GetState(), r.GetStatus().GetExitCode(), err
}

// Stop stops a container, and kills it after the seconds of grace.
func (k *CRI) Stop(id string, grace int64) error {
	ctx, cancel := deadline()
	defer cancel()
	if _, err := k.rs.StopContainer(ctx, &cri.StopContainerRequest{ContainerId: id, Timeout: grace}); err != nil {
		return fmt.Errorf("StopContainer: %w", err)
	}
	return nil
}

// Remove removes a container.
func (k *CRI) Remove(id string) error {
	ctx, cancel := deadline()
	defer cancel()
	if _, err := k.rs.RemoveContainer(ctx, &cri.RemoveContainerRequest{ContainerId: id}); err != nil {
		return fmt.Errorf("RemoveContainer: %w", err)
	}
	return nil
}

// IP is the pod's address, "" if it has none.
func (p *Pod) IP() string {
	ctx, cancel := deadline()
	defer cancel()
	r, err := p.c.rs.PodSandboxStatus(ctx, &cri.PodSandboxStatusRequest{PodSandboxId: p.ID})
	if err != nil {
		return ""
	}
	return r.GetStatus().GetNetwork().GetIp()
}

// EmptyDir makes an emptyDir volume of a pod where the kubelet has it, open to
// all as the kubelet's are.
func EmptyDir(t T, p *Pod, name string) string {
	t.Helper()
	kubelet(t)
	dir := mkdir(t, filepath.Join(kubeletDir, "pods", p.Config.GetMetadata().GetUid(), "volumes/kubernetes.io~empty-dir", name))
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatalf("bed: %v", err)
	}
	return dir
}

const kubeletDir = "/var/lib/kubelet"

var kubeletOnce sync.Once

// kubelet makes the kubelet's folder, on disk as a node's: the bed's /var/lib is
// an overlay.
func kubelet(t T) {
	t.Helper()
	kubeletOnce.Do(func() {
		if err := mountAt(Dir(t, "kubelet"), mkdir(t, kubeletDir), "", "", unix.MS_BIND); err != nil {
			t.Fatalf("bed: %v", err)
		}
	})
}

// Containers lists the containers of a pod.
func (p *Pod) Containers() ([]*cri.Container, error) {
	ctx, cancel := deadline()
	defer cancel()
	r, err := p.c.rs.ListContainers(ctx, &cri.ListContainersRequest{Filter: &cri.ContainerFilter{PodSandboxId: p.ID}})
	return r.GetContainers(), err
}

// Remove stops and removes the pod with its containers.
func (p *Pod) Remove() error {
	ctx, cancel := deadline()
	defer cancel()
	if _, err := p.c.rs.StopPodSandbox(ctx, &cri.StopPodSandboxRequest{PodSandboxId: p.ID}); err != nil {
		return fmt.Errorf("StopPodSandbox: %w", err)
	}
	if _, err := p.c.rs.RemovePodSandbox(ctx, &cri.RemovePodSandboxRequest{PodSandboxId: p.ID}); err != nil {
		return fmt.Errorf("RemovePodSandbox: %w", err)
	}
	return nil
}
