// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/runclad/runclad/integration/report"
)

// Docker is a dockerd of the bed's own.
type Docker struct {
	t      T
	socket string
	config string // the CLI's folder
	daemon *daemon
}

// Image is the image that engines are given: busybox and the probe.
const Image = "bed:latest"

// Docker20 starts Debian's dockerd with its containerd 1.6 and runc 1.1. The
// runtime "runclad" is the shim; "plain" is what the shim hands off to.
func Docker20(t T) *Docker {
	t.Helper()
	Use(t, DebianRunc(t))
	return startDocker(t, "dockerd20", Installed(t, "/usr/sbin/dockerd", "/usr/bin/dockerd"), DebianRunc(t), "/usr/sbin:/usr/bin:/sbin:/bin")
}

// DockerCurrent starts a current dockerd with a current containerd and runc.
func DockerCurrent(t T) *Docker {
	t.Helper()
	rt := CurrentRunc(t)
	Use(t, rt)
	path := strings.Join([]string{
		filepath.Dir(Cached(t, containerdFolder, "containerd")), filepath.Dir(rt.Path), "/usr/sbin:/usr/bin:/sbin:/bin",
	}, ":")
	return startDocker(t, "dockerd", Cached(t, dockerdFolder, "dockerd"), rt, path)
}

func startDocker(t T, name, binary string, rt Runtime, path string) *Docker {
	t.Helper()
	run := RunDir(t, name)
	d := &Docker{t: t, socket: filepath.Join(run, "docker.sock"), config: Dir(t, name+"-cli")}
	bridge := makeBridge(t)
	config := filepath.Join(run, "daemon.json")
	Write(t, config, "{}")
	env := []string{
		"PATH=" + path,
		// A current daemon refuses the API version of Debian's CLI otherwise.
		"DOCKER_MIN_API_VERSION=1.24",
	}
	d.daemon = start(t, name, env, d.ready, binary,
		"--config-file", config,
		"--data-root", Dir(t, name+"-root"),
		"--exec-root", filepath.Join(run, "exec"),
		"--pidfile", filepath.Join(run, "pid"),
		"--host", "unix://"+d.socket,
		"--bridge", bridge,
		"--userland-proxy=false",
		"--add-runtime", "runclad="+Shim(t),
		"--add-runtime", "plain="+rt.Path,
	)
	d.importImage()
	return d
}

func (d *Docker) ready() error {
	if r := d.Run("version", "--format", "{{.Server.Version}}"); r.Code != 0 {
		return fmt.Errorf("%v", r)
	}
	return nil
}

// Run runs the docker CLI: Debian's, which every machine that ran deps.sh has.
func (d *Docker) Run(args ...string) Result { return d.Command(args...).Run() }

// Command is the docker CLI, for more than Run does.
func (d *Docker) Command(args ...string) Command {
	return Command{
		Args: append([]string{Installed(d.t, "/usr/bin/docker"), "--host", "unix://" + d.socket}, args...),
		Env:  []string{"DOCKER_CONFIG=" + d.config, "DOCKER_BUILDKIT=0"},
	}
}

// Load gives the daemon an image, without its first layers, which it has from
// an image loaded before.
func (d *Docker) Load(a Archive, without int) {
	d.t.Helper()
	if r := d.Command("load", "--quiet").from(a.Stream(d.t, without)); r.Code != 0 {
		d.t.Fatalf("%v\n  daemon: %s", r, d.daemon.tail())
	}
}

// Must runs the docker CLI and fails the test when its status is not 0.
func (d *Docker) Must(args ...string) Result {
	d.t.Helper()
	r := d.Run(args...)
	if r.Code != 0 {
		d.t.Fatalf("%v\n  daemon: %s", r, d.daemon.tail())
	}
	return r
}

// Report runs `docker ARGS` whose container or exec prints a probe's report. A
// busy daemon was seen to lose the output of a container that ends at once, with
// status 0: then it is asked again.
func (d *Docker) Report(args ...string) *report.Report {
	d.t.Helper()
	r := d.Run(args...)
	for n := 0; n < 2 && r.Code == 0 && r.Stdout == ""; n++ {
		d.t.Logf("bed: no output: %v", r)
		r = d.Run(args...)
	}
	return Report(d.t, r)
}

// Kill ends the daemon as a crash would, its containerd with it.
func (d *Docker) Kill() { d.daemon.kill() }

// With returns the same daemon for a subtest.
func (d *Docker) With(t T) *Docker {
	c := *d
	c.t = t
	return &c
}

// Inspect decodes `docker inspect` of a container with a template that yields
// JSON.
func (d *Docker) Inspect(name, template string, out any) {
	d.t.Helper()
	r := d.Must("inspect", "--format", template, name)
	if err := json.Unmarshal([]byte(r.Stdout), out); err != nil {
		d.t.Fatalf("docker inspect: %v: %v", err, r)
	}
}

func (d *Docker) importImage() {
	d.t.Helper()
	tar := filepath.Join(Dir(d.t, "image"), "rootfs.tar")
	MustRun(d.t, "tar", "-C", Rootfs(d.t), "-cf", tar, ".")
	d.Must("import", "--change", `CMD ["sleep","300"]`, "--change", "ENV PATH=/bin:/usr/bin", tar, Image)
	_ = os.Remove(tar)
}

// makeBridge makes a bridge with a subnet of its own: two daemons in one
// network namespace would both take docker0.
func makeBridge(t T) string {
	t.Helper()
	n := next()
	name := fmt.Sprintf("rcb%d", n)
	MustRun(t, "ip", "link", "add", name, "type", "bridge")
	t.Cleanup(func() { Run("ip", "link", "del", name) })
	MustRun(t, "ip", "addr", "add", fmt.Sprintf("10.%d.%d.1/24", 128+n>>8&63, n&255), "dev", name)
	MustRun(t, "ip", "link", "set", name, "up")
	return name
}
