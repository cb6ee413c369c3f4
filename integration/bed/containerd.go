// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/runclad/runclad/integration/report"
)

// Containerd is a containerd of the bed's own, with its CRI service.
type Containerd struct {
	t      T
	socket string
	daemon *daemon
	rt     Runtime
}

// containerdConfig: the CRI service with two runtime handlers, CNI from
// Debian's plugins, and the bed's pause image. All annotations of a pod reach the
// runtime runclad, the forged ones too. restrict_oom_score_adj: lowering
// the score needs CAP_SYS_RESOURCE, which a machine need not have.
const containerdConfig = `version = 3
[plugins.'io.containerd.internal.v1.opt']
  path = '%[1]s/opt'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '%[2]s'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['/usr/lib/cni', '/opt/cni/bin']
  conf_dir = '%[1]s/cni'
[plugins.'io.containerd.cri.v1.runtime'.containerd]
  default_runtime_name = 'runc'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  BinaryName = '%[3]s'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runclad]
  runtime_type = 'io.containerd.runc.v2'
  pod_annotations = ['*']
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runclad.options]
  BinaryName = '%[4]s'
`

// cniConfig is a bridge with a subnet and a default route, IPv4 and IPv6.
const cniConfig = `{
  "cniVersion": "1.0.0",
  "name": "bed",
  "plugins": [{
    "type": "bridge", "bridge": "rccni0", "isGateway": true, "ipMasq": false,
    "ipam": {
      "type": "host-local", "dataDir": "%s/ipam",
      "ranges": [[{"subnet": "10.66.0.0/16"}], [{"subnet": "fd66::/64"}]],
      "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]
    }
  }]
}
`

// Containerd2 starts a current containerd. The CRI handlers are "runc" and
// "runclad"; runclad hands off to a current runc.
func Containerd2(t T) *Containerd {
	t.Helper()
	rt := CurrentRunc(t)
	Use(t, rt)
	run := RunDir(t, "containerd")
	c := &Containerd{t: t, socket: filepath.Join(run, "containerd.sock"), rt: rt}
	Write(t, filepath.Join(run, "config.toml"), fmt.Sprintf(containerdConfig, run, PauseImage, rt.Path, Shim(t)))
	Write(t, filepath.Join(run, "cni/10-bed.conflist"), fmt.Sprintf(cniConfig, run))
	binary := Cached(t, containerdFolder, "containerd")
	c.daemon = start(t, "containerd", []string{"PATH=" + filepath.Dir(binary) + ":/usr/sbin:/usr/bin:/sbin:/bin"}, c.ready,
		binary, "--config", filepath.Join(run, "config.toml"), "--address", c.socket,
		"--root", Dir(t, "containerd-root"), "--state", filepath.Join(run, "state"))
	t.Cleanup(func() { Run("ip", "link", "del", "rccni0") })
	for _, img := range []Archive{workloadImage(t), pauseImage(t)} {
		for _, ns := range []string{"bed", "k8s.io"} {
			c.load(ns, img, 0)
		}
	}
	return c
}

// Load gives the CRI service an image, without its first layers, which it has
// from an image loaded before.
func (c *Containerd) Load(a Archive, without int) {
	c.t.Helper()
	c.load("k8s.io", a, without)
}

func (c *Containerd) load(namespace string, a Archive, without int) {
	c.t.Helper()
	if r := c.command("--namespace", namespace, "images", "import", "-").from(a.Stream(c.t, without)); r.Code != 0 {
		c.t.Fatalf("%v\n  daemon: %s", r, c.daemon.tail())
	}
}

func (c *Containerd) ready() error {
	if r := c.Run("version"); r.Code != 0 {
		return fmt.Errorf("%v", r)
	}
	return nil
}

// Run runs ctr.
func (c *Containerd) Run(args ...string) Result { return c.command(args...).Run() }

func (c *Containerd) command(args ...string) Command {
	ctr := Cached(c.t, containerdFolder, "ctr")
	return Command{Args: append([]string{ctr, "--address", c.socket}, args...)}
}

// Must runs ctr and fails the test when its status is not 0.
func (c *Containerd) Must(args ...string) Result {
	c.t.Helper()
	r := c.Run(args...)
	if r.Code != 0 {
		c.t.Fatalf("%v\n  daemon: %s", r, c.daemon.tail())
	}
	return r
}

// CtrRun runs `ctr run --runc-binary BINARY FLAGS IMAGE ID ARGS`, where the
// binary is the shim, or the real runtime when plain is set.
func (c *Containerd) CtrRun(plain bool, id string, flags []string, args ...string) Result {
	binary := c.rt.Path
	if !plain {
		binary = Shim(c.t)
	}
	argv := append([]string{"--namespace", "bed", "run", "--runc-binary", binary}, flags...)
	return c.Run(append(append(argv, FullImage, id), args...)...)
}

// Task runs `ctr tasks ARGS` in the bed's namespace.
func (c *Containerd) Task(args ...string) Result {
	return c.Run(append([]string{"--namespace", "bed", "tasks"}, args...)...)
}

// Remove deletes a container with its task, whatever state it is in.
func (c *Containerd) Remove(id string) {
	c.Task("kill", "--signal", "KILL", id)
	c.Task("delete", "--force", id)
	c.Run("--namespace", "bed", "containers", "delete", id)
}

// Report decodes what a probe printed through ctr.
func (c *Containerd) Report(r Result) *report.Report {
	c.t.Helper()
	r.Stdout = strings.TrimSpace(r.Stdout)
	return Report(c.t, r)
}

// With returns the same daemon for a subtest.
func (c *Containerd) With(t T) *Containerd {
	o := *c
	o.t = t
	return &o
}
