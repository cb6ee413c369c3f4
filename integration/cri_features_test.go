// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/runclad/runclad/integration/bed"
)

// criFeatures are the things that a kubelet does with pods, and that have to go
// on working. Port forwarding is not among them: containerd dials into the pod's
// network namespace itself, without the runtime, over a protocol (SPDY) for
// which the bed has no client; that a server can be reached there by loopback is
// tested instead.
func criFeatures(t *testing.T, k *bed.CRI) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *bed.CRI)
	}{
		{"InitContainer", criInitContainer},
		{"SharedVolume", criSharedVolume},
		{"Probes", criProbes},
		{"EphemeralContainer", criEphemeral},
		{"Loopback", criLoopback},
		{"SubPath", criSubPath},
		{"RestartInPod", criRestart},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, k.With(t)) })
	}
}

func mounts(ms ...*cri.Mount) func(*cri.ContainerConfig) {
	return func(c *cri.ContainerConfig) { c.Mounts = ms }
}

// exited waits until a container has ended, and returns its exit code.
func exited(t *testing.T, k *bed.CRI, id string) int32 {
	t.Helper()
	var code int32
	bed.Eventually(t, time.Minute, func() error {
		state, c, err := k.Status(id)
		if err != nil {
			return err
		}
		code = c
		return wantEqual(state, cri.ContainerState_CONTAINER_EXITED)
	})
	return code
}

// inside runs a shell script in a container and wants it to succeed.
func inside(t *testing.T, k *bed.CRI, id, script string) string {
	t.Helper()
	r := k.Exec(id, "sh", "-ec", script)
	if r.Code != 0 {
		t.Errorf("%v", r)
	}
	return r.Stdout
}

// criInitContainer: what it leaves in the volume is the main container's.
func criInitContainer(t *testing.T, k *bed.CRI) {
	p := k.MustPod("runclad", nil)
	data := &cri.Mount{HostPath: bed.EmptyDir(t, p, "data"), ContainerPath: "/data"}
	id := p.MustStart("init", mounts(data), "sh", "-ec", "umask 077; mkdir /data/d; echo prepared >/data/d/f")
	if code := exited(t, k, id); code != 0 {
		t.Fatalf("the init container ended with %d: %s", code, p.Log("init"))
	}
	main := p.MustStart("main", mounts(data), "sleep", "300")
	if out := inside(t, k, main, "cat /data/d/f; echo more >>/data/d/f; rm -r /data/d"); out != "prepared\n" {
		t.Errorf("%q", out)
	}
}

// criSharedVolume: two containers of one pod are one user on their volume, also
// where one of them may only read.
func criSharedVolume(t *testing.T, k *bed.CRI) {
	p := k.MustPod("runclad", nil)
	dir := bed.EmptyDir(t, p, "data")
	writer := p.MustStart("writer", mounts(&cri.Mount{HostPath: dir, ContainerPath: "/data"}), "sleep", "300")
	other := p.MustStart("other", mounts(&cri.Mount{HostPath: dir, ContainerPath: "/srv/data"}), "sleep", "300")
	reader := p.MustStart("reader", mounts(&cri.Mount{HostPath: dir, ContainerPath: "/data", Readonly: true}), "sleep", "300")
	inside(t, k, writer, "umask 077; echo secret >/data/f; mkfifo /data/p")
	uid := inside(t, k, writer, "id -u")
	if out := inside(t, k, other, "cat /srv/data/f; id -u; stat -c %u /srv/data/f; chmod 0640 /srv/data/f; mv /srv/data/f /srv/data/g"); out != "secret\n"+uid+uid {
		t.Errorf("%q", out)
	}
	if out := inside(t, k, reader, "cat /data/g; if touch /data/new 2>/dev/null; then echo written; fi"); out != "secret\n" {
		t.Errorf("%q", out)
	}
}

// criProbes: exec probes and a preStop hook, which is an exec before the stop.
func criProbes(t *testing.T, k *bed.CRI) {
	p := k.MustPod("runclad", nil)
	data := &cri.Mount{HostPath: bed.EmptyDir(t, p, "data"), ContainerPath: "/data"}
	id := p.MustStart("w", mounts(data), "sh", "-c", `trap 'test -e /data/prestop && echo "$(cat /data/prestop)" >/data/stopped; exit 0' TERM; touch /tmp/ready; while :; do sleep 0.1; done`)
	bed.Eventually(t, 30*time.Second, func() error { return failure(k.Exec(id, "test", "-e", "/tmp/ready")) })
	if r := k.Exec(id, "sh", "-c", "echo unwell; exit 1"); r.Code != 1 || r.Stdout != "unwell\n" {
		t.Errorf("a probe that fails: %v", r)
	}
	for range 10 {
		inside(t, k, id, "test $(id -u) -gt 10000")
	}
	inside(t, k, id, "echo drained >/data/prestop")
	if err := k.Stop(id, 20); err != nil {
		t.Fatal(err)
	}
	if code := exited(t, k, id); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if b, err := os.ReadFile(data.HostPath + "/stopped"); err != nil || string(b) != "drained\n" {
		t.Errorf("the container stopped with %q, %v", b, err)
	}
}

// criEphemeral: a debug container in the PID namespace of another one sees its
// processes, its files and its network.
func criEphemeral(t *testing.T, k *bed.CRI) {
	p := k.MustPod("runclad", nil)
	target := p.MustStart("target", nil, "sh", "-c", "echo found >/tmp/state; exec sleep 1234")
	bed.Eventually(t, 30*time.Second, func() error { return failure(k.Exec(target, "test", "-e", "/tmp/state")) })
	debug := p.MustStart("debugger", func(c *cri.ContainerConfig) {
		c.Linux.SecurityContext.NamespaceOptions = &cri.NamespaceOption{Pid: cri.NamespaceMode_TARGET, TargetId: target}
	}, "sleep", "300")
	out := inside(t, k, debug, `tr '\0' ' ' </proc/1/cmdline; cat /proc/1/root/tmp/state; kill -0 1; id -u`)
	if uid := inside(t, k, target, "id -u"); out != "sleep 1234 found\n"+uid {
		t.Errorf("the debugger sees %q", out)
	}
	hardened(t, bed.Report(t, k.Exec(debug, "/probe")))
	inside(t, k, debug, "kill -TERM 1 || true; kill -KILL 1 || true")
	if state, _, err := k.Status(debug); err != nil {
		t.Errorf("%v, %v", state, err)
	}
}

// criLoopback: containers of a pod reach each other on 127.0.0.1, on a port that
// needed a capability, and by the pod's address.
func criLoopback(t *testing.T, k *bed.CRI) {
	p := k.MustPod("runclad", nil)
	p.MustStart("server", nil, "sh", "-c", "mkdir /tmp/www && echo served >/tmp/www/index.html && exec httpd -f -p 80 -h /tmp/www")
	peer := p.MustStart("peer", nil, "sleep", "300")
	bed.Eventually(t, 30*time.Second, func() error { return failure(k.Exec(peer, "wget", "-qO-", "http://127.0.0.1/")) })
	for _, host := range []string{"127.0.0.1", p.IP()} {
		if out := inside(t, k, peer, "wget -qO- http://"+host+"/"); out != "served\n" {
			t.Errorf("%s: %q", host, out)
		}
	}
}

// criSubPath: the kubelet binds a part of a volume, or a single file, and secrets
// in a tmpfs of its own.
func criSubPath(t *testing.T, k *bed.CRI) {
	p := k.MustPod("runclad", nil)
	dir := bed.EmptyDir(t, p, "data")
	bed.Write(t, dir+"/conf/app.conf", "configured\n")
	if err := os.MkdirAll(dir+"/part", 0o777); err != nil {
		t.Fatal(err)
	}
	id := p.MustStart("w", mounts(
		&cri.Mount{HostPath: dir + "/part", ContainerPath: "/var/lib/app"},
		&cri.Mount{HostPath: dir + "/conf/app.conf", ContainerPath: "/etc/app.conf", Readonly: true},
		&cri.Mount{HostPath: dir, ContainerPath: "/srv/all", Readonly: true},
		&cri.Mount{HostPath: dir + "/part", ContainerPath: "/srv/all/part"},
	), "sleep", "300")
	out := inside(t, k, id, "cat /etc/app.conf; echo x >/var/lib/app/f; cat /srv/all/part/f; echo y >>/srv/all/part/f; if echo >/srv/all/n; then echo written; fi 2>/dev/null")
	if out != "configured\nx\n" {
		t.Errorf("%q", out)
	}
}

// criRestart: the kubelet makes a crashed container anew in its pod, where it has
// the same UID and finds its emptyDir.
func criRestart(t *testing.T, k *bed.CRI) {
	p := k.MustPod("runclad", nil)
	data := &cri.Mount{HostPath: bed.EmptyDir(t, p, "data"), ContainerPath: "/data"}
	script := "umask 077; id -u >>/data/uids; exit 7"
	for i := range 3 {
		id := p.MustStart(fmt.Sprintf("w%d", i), mounts(data), "sh", "-c", script)
		if code := exited(t, k, id); code != 7 {
			t.Errorf("exit code %d", code)
		}
		if err := k.Remove(id); err != nil {
			t.Error(err)
		}
	}
	last := p.MustStart("last", mounts(data), "sleep", "300")
	uids := strings.Fields(inside(t, k, last, "cat /data/uids; id -u"))
	if len(uids) != 4 || uids[0] != uids[1] || uids[0] != uids[2] || uids[0] != uids[3] {
		t.Errorf("the UIDs of one pod: %v", uids)
	}
}
