// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"strings"
	"testing"
	"time"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/integration/report"
)

// TestCRI is what a kubelet does with runtimeClassName: runclad.
func TestCRI(t *testing.T) {
	bed.Metadata(t)
	k := bed.Containerd2(t).CRI()
	for _, test := range []struct {
		name string
		run  func(*testing.T, *bed.CRI)
	}{
		{"Control", criControl},
		{"Pod", criPod},
		{"Privileged", criPrivileged},
		{"SharedPID", criSharedPID},
		{"RootInUserns", criRootInUserns},
		{"RunAsUser", criRunAsUser},
		{"Refused", criRefused},
		{"RemovedWithBrokenPolicy", criBrokenPolicy},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, k.With(t)) })
	}
}

// logged waits for a container's report in its log.
func logged(t *testing.T, p *bed.Pod, name string) *report.Report {
	t.Helper()
	var text string
	bed.Eventually(t, 20*time.Second, func() error {
		text = p.Log(name)
		return wantEqual(strings.HasSuffix(text, "}\n"), true)
	})
	return bed.Report(t, bed.Result{Stdout: text})
}

func criControl(t *testing.T, k *bed.CRI) {
	p := k.MustPod("runc", nil)
	p.MustStart("w", nil, "/probe", "net")
	r := logged(t, p, "w")
	reached(t, r)
	if r.UID != 0 || r.Writes["/"] != "ok" {
		t.Errorf("the control is hardened already: %+v", r)
	}
}

// criPod: pause, two workloads, exec into each: one UID for all of them.
func criPod(t *testing.T, k *bed.CRI) {
	p := k.MustPod("runclad", nil)
	ids := map[string]string{}
	uid := 0
	for _, name := range []string{"w1", "w2"} {
		ids[name] = p.MustStart(name, nil, "sh", "-c", "/probe net; exec sleep 300")
		init := logged(t, p, name)
		hardened(t, init)
		blocked(t, init)
		exec := bed.Report(t, k.Exec(ids[name], "/probe", "net"))
		hardened(t, exec)
		blocked(t, exec)
		if uid == 0 {
			uid = init.UID
		}
		for what, r := range map[string]*report.Report{"init": init, "exec": exec} {
			if r.UID != uid || r.GID != init.GID {
				t.Errorf("%s of %s runs as %d:%d, the pod's first as %d", what, name, r.UID, r.GID, uid)
			}
		}
	}
	cs, err := p.Containers()
	if err != nil || len(cs) != 2 {
		t.Errorf("the pod's containers are %v (%v)", cs, err)
	}
	// A file of one is the other's: the pod's /dev/shm is shared.
	if r := k.Exec(ids["w1"], "sh", "-c", "umask 077; echo hi > /dev/shm/f"); r.Code != 0 {
		t.Error(r)
	}
	if r := k.Exec(ids["w2"], "cat", "/dev/shm/f"); r.Stdout != "hi\n" {
		t.Error(r)
	}
	if r := k.Exec(ids["w1"], "sh", "-c", "exit 4"); r.Code != 4 {
		t.Errorf("exit status of an exec probe: %v", r)
	}
	other := k.MustPod("runclad", nil)
	other.MustStart("w", nil, "/probe")
	if r := logged(t, other, "w"); r.UID == uid {
		t.Errorf("two pods run as %d", uid)
	}
	if err := p.Remove(); err != nil {
		t.Error(err)
	}
}

func criPrivileged(t *testing.T, k *bed.CRI) {
	p := k.MustPod("runclad", func(c *cri.PodSandboxConfig) { c.Linux.SecurityContext.Privileged = true })
	id := p.MustStart("w", func(c *cri.ContainerConfig) { c.Linux.SecurityContext.Privileged = true },
		"sh", "-c", "/probe; exec sleep 300")
	hardened(t, logged(t, p, "w"))
	hardened(t, bed.Report(t, k.Exec(id, "/probe")))
}

// criSharedPID: shareProcessNamespace, where workloads join pause's namespace.
func criSharedPID(t *testing.T, k *bed.CRI) {
	shared := &cri.NamespaceOption{Pid: cri.NamespaceMode_POD}
	p := k.MustPod("runclad", func(c *cri.PodSandboxConfig) { c.Linux.SecurityContext.NamespaceOptions = shared })
	p.MustStart("w", func(c *cri.ContainerConfig) { c.Linux.SecurityContext.NamespaceOptions = shared }, "/probe", "net")
	r := logged(t, p, "w")
	hardened(t, r)
	blocked(t, r)
}

// criRunAsUser: a pod that asks for root, or for a user of its own choice.
func criRunAsUser(t *testing.T, k *bed.CRI) {
	p := k.MustPod("runclad", nil)
	for name, uid := range map[string]int64{"root": 0, "own": 1000} {
		p.MustStart(name, func(c *cri.ContainerConfig) {
			c.Linux.SecurityContext.RunAsUser = &cri.Int64Value{Value: uid}
			c.Linux.SecurityContext.SupplementalGroups = []int64{0, 27}
		}, "/probe")
		hardened(t, logged(t, p, name))
	}
}

func criRefused(t *testing.T, k *bed.CRI) {
	hostNet := func(c *cri.PodSandboxConfig) {
		c.Linux.SecurityContext.NamespaceOptions.Network = cri.NamespaceMode_NODE
	}
	if _, err := k.RunPod("runclad", hostNet); err == nil || !strings.Contains(err.Error(), "host_network") {
		t.Errorf("a pod on the host's network: %v", err)
	}
	p := k.MustPod("runclad", nil)
	_, err := p.Start("w", func(c *cri.ContainerConfig) {
		c.Mounts = []*cri.Mount{{HostPath: "/etc", ContainerPath: "/host"}}
	}, "true")
	if err == nil || !strings.Contains(err.Error(), "host_paths") {
		t.Errorf("a hostPath of /etc: %v", err)
	}
	if err != nil {
		sayNothingOf(t, err.Error())
	}
	if id, err := p.Start("ok", nil, "true"); err != nil {
		t.Errorf("after a refusal the pod's next container: %v", err)
	} else {
		bed.Eventually(t, 10*time.Second, func() error {
			state, code, err := k.Status(id)
			if err != nil || code != 0 {
				t.Errorf("exit code %d, %v", code, err)
			}
			return wantEqual(state, cri.ContainerState_CONTAINER_EXITED)
		})
	}
}

func criBrokenPolicy(t *testing.T, k *bed.CRI) {
	p := k.MustPod("runclad", nil)
	p.MustStart("w", nil, "sleep", "300")
	bed.Write(t, bed.PolicyFile, "broken = [")
	t.Cleanup(func() { _ = os.Remove(bed.PolicyFile) })
	if _, err := p.Start("late", nil, "true"); err == nil || !strings.Contains(err.Error(), bed.PolicyFile) {
		t.Errorf("a container under a broken policy: %v", err)
	}
	if err := p.Remove(); err != nil {
		t.Error(err)
	}
}
