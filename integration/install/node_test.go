// SPDX-License-Identifier: Apache-2.0

package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
)

// node is a node's root with the installer's image beside it, as the DaemonSet
// mounts them. The root shows this machine's programs, among them containerd;
// systemctl is a script that notes how it was called.
type node struct {
	t           *testing.T
	root, image string
}

func newNode(t *testing.T) node {
	t.Helper()
	dir := bed.Dir(t, "node")
	n := node{t, filepath.Join(dir, "root"), filepath.Join(dir, "image")}
	// There is no /tmp: the pod's root is read-only.
	for _, d := range []string{n.root, n.image + "/host", n.image + "/dev", n.image + "/bin", n.image + "/runclad/docs"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	overlay(t, "/", n.root)
	mount := func(source, target, fstype string, flags uintptr) {
		if err := unix.Mount(source, target, fstype, flags, ""); err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		t.Cleanup(func() {
			if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
	}
	mount("tmpfs", n.root+"/run", "tmpfs", 0)
	mount("/dev", n.root+"/dev", "", unix.MS_BIND|unix.MS_REC)
	mount("/dev", n.image+"/dev", "", unix.MS_BIND|unix.MS_REC)
	mount("/proc", n.root+"/proc", "", unix.MS_BIND|unix.MS_REC)
	mount(n.root, n.image+"/host", "", unix.MS_BIND|unix.MS_REC)
	for _, d := range []string{"etc/containerd", "etc/runclad"} {
		if err := os.RemoveAll(filepath.Join(n.root, d)); err != nil {
			t.Fatal(err)
		}
	}
	n.write("usr/local/sbin/systemctl", "#!/bin/sh\necho \"$SYSTEMD_IGNORE_CHROOT $*\" >>/run/systemctl.log\n")
	if err := os.Chmod(n.root+"/usr/local/sbin/systemctl", 0o755); err != nil {
		t.Fatal(err)
	}
	bed.MustRun(t, "cp", bed.Installed(t, "/usr/bin/busybox", "/bin/busybox"), n.image+"/bin/busybox")
	bed.MustRun(t, n.image+"/bin/busybox", "--install", n.image+"/bin")
	if source == "" {
		copySource(t)
	}
	bed.MustRun(t, "cp", "-r", source+"/bin", n.image+"/runclad")
	bed.MustRun(t, "cp", "-r", source+"/docs/man", n.image+"/runclad/docs")
	bed.MustRun(t, "cp", source+"/deploy/kubernetes/image/node.sh", n.image+"/runclad")
	return n
}

func (n node) write(name, text string) {
	n.t.Helper()
	bed.Write(n.t, filepath.Join(n.root, name), text)
}

// read is a file's content, "" if there is none.
func (n node) read(name string) string {
	b, _ := os.ReadFile(filepath.Join(n.root, name))
	return string(b)
}

// run runs node.sh in the image, with its environment and with engines found
// where they are on nodes.
func (n node) run(action string, env ...string) (string, error) {
	n.t.Helper()
	cmd := exec.Command("/bin/sh", "/runclad/node.sh", action)
	cmd.SysProcAttr = &unix.SysProcAttr{Chroot: n.image}
	cmd.Dir = "/"
	cmd.Env = append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "RUNCLAD_ENGINE=containerd"}, env...)
	out, err := cmd.CombinedOutput()
	n.t.Logf("node.sh %s %v: %v\n%s", action, env, err, out)
	return string(out), err
}

func TestNode(t *testing.T) {
	n := newNode(t)
	const (
		config = "etc/containerd/config.toml"
		before = "version = 2\n"
		log    = "run/systemctl.log"
	)
	n.write(config, before)
	out, err := n.run("install")
	if err != nil || !strings.Contains(out, "still to be done on this node: systemctl restart containerd") || n.read(log) != "" {
		t.Fatalf("%v; systemctl: %q", err, n.read(log))
	}
	if !strings.Contains(n.read(config), `BinaryName = "/usr/local/bin/runclad"`) || n.read("usr/local/bin/runclad") == "" || n.read("usr/local/share/man/man8/runcladctl.8") == "" {
		t.Errorf("%s", n.read(config))
	}
	// The restart is still due in a later pod, and done once.
	for range 2 {
		if _, err := n.run("install", "RUNCLAD_RESTART=yes"); err != nil || n.read(log) != "1 restart containerd\n" {
			t.Errorf("%v; systemctl: %q", err, n.read(log))
		}
	}

	installed := n.read(config)
	if out, err := n.run("install", "RUNCLAD_DEFAULT_RUNTIME=yes"); err == nil || !strings.Contains(out, "needs a policy") || n.read(config) != installed {
		t.Errorf("the default without a policy: %v", err)
	}
	n.write("etc/runclad/policy.d/10-system.toml", "")
	if _, err := n.run("install", "RUNCLAD_DEFAULT_RUNTIME=yes", "RUNCLAD_RESTART=yes"); err != nil || !strings.Contains(n.read(config), `default_runtime_name = "runclad"`) || strings.Count(n.read(log), "restart") != 2 {
		t.Errorf("%v; systemctl: %q; %s", err, n.read(log), n.read(config))
	}

	n.write("run/containerd/io.containerd.runtime.v2.task/k8s.io/0123456789abcdef/runtime", "/usr/local/bin/runclad")
	installed = n.read(config)
	if out, err := n.run("uninstall", "RUNCLAD_RESTART=yes"); err == nil || !strings.Contains(out, "0123456789ab") || n.read(config) != installed || strings.Count(n.read(log), "restart") != 2 {
		t.Errorf("while a container depends on it: %v", err)
	}
	if err := os.RemoveAll(n.root + "/run/containerd"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := n.run("uninstall", "RUNCLAD_RESTART=yes"); err != nil || n.read(config) != before || n.read("usr/local/bin/runclad") != "" || strings.Count(n.read(log), "restart") != 3 {
			t.Errorf("%v; systemctl: %q; %s", err, n.read(log), n.read(config))
		}
	}
	if out, err := n.run("install", "RUNCLAD_ENGINE=docker"); err == nil || !strings.Contains(out, "containerd or crio") {
		t.Errorf("another engine: %v", err)
	}
}
