// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/runclad/runclad/integration/report"
)

// Podman is Debian's podman with stores of the bed's own. It has no daemon.
type Podman struct {
	t    T
	dir  string
	run  string
	conf string
}

// podmanConfig names the runtimes by path, as a user would. default_ulimits:
// podman raises limits to its own otherwise, which needs CAP_SYS_RESOURCE.
const podmanConfig = `[containers]
default_ulimits = ["nofile=1024:4096", "nproc=1024:4096"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "plain"
[engine.runtimes]
runclad = ["%s"]
plain = ["%s"]
[network]
network_backend = "cni"
cni_plugin_dirs = ["/usr/lib/cni"]
network_config_dir = "%s"
`

// NewPodman makes stores and a configuration for podman, and gives it the
// image. runclad hands off to Debian's runc.
func NewPodman(t T) *Podman {
	t.Helper()
	rt := DebianRunc(t)
	Use(t, rt)
	p := &Podman{t: t, dir: Dir(t, "podman"), run: RunDir(t, "podman")}
	p.conf = filepath.Join(p.run, "containers.conf")
	Write(t, p.conf, fmt.Sprintf(podmanConfig, Shim(t), rt.Path, filepath.Join(p.run, "cni")))
	Write(t, filepath.Join(p.run, "storage.conf"), fmt.Sprintf("[storage]\ndriver = \"overlay\"\nrunroot = \"%s/run\"\ngraphroot = \"%s/root\"\n", p.run, p.dir))
	t.Cleanup(func() { p.Run("rm", "--all", "--force", "--time", "0") })
	tar := filepath.Join(Dir(t, "image"), "rootfs.tar")
	MustRun(t, "tar", "-C", Rootfs(t), "-cf", tar, ".")
	p.Must("import", "--change", `CMD ["sleep","300"]`, "--change", "ENV PATH=/bin:/usr/bin", tar, "localhost/"+Image)
	return p
}

// Run runs podman.
func (p *Podman) Run(args ...string) Result {
	argv := []string{
		Installed(p.t, "/usr/bin/podman"), "--root", filepath.Join(p.dir, "root"), "--runroot", filepath.Join(p.run, "run"),
		"--tmpdir", filepath.Join(p.run, "tmp"),
	}
	return Command{
		Args: append(argv, args...),
		Env:  []string{"CONTAINERS_CONF=" + p.conf, "CONTAINERS_STORAGE_CONF=" + filepath.Join(p.run, "storage.conf")},
	}.Run()
}

// Must runs podman and fails the test when its status is not 0.
func (p *Podman) Must(args ...string) Result {
	p.t.Helper()
	r := p.Run(args...)
	if r.Code != 0 {
		p.t.Fatalf("%v", r)
	}
	return r
}

// Load gives podman an image. Layers that it has are not read again.
func (p *Podman) Load(a Archive) {
	p.t.Helper()
	id := strings.TrimSpace(p.Must("pull", "--quiet", "oci:"+a.Folder(p.t)+":latest").Stdout)
	p.Must("tag", id, a.Name)
}

// Report runs `podman ARGS` whose container or exec prints a probe's report.
func (p *Podman) Report(args ...string) *report.Report {
	p.t.Helper()
	return Report(p.t, p.Run(args...))
}

// With returns the same podman for a subtest.
func (p *Podman) With(t T) *Podman {
	o := *p
	o.t = t
	return &o
}
