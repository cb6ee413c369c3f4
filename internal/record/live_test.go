// SPDX-License-Identifier: Apache-2.0

package record

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const liveConfig = `{
 "ociVersion": "1.0.2",
 "process": {"user": {"uid": 0, "gid": 0}, "args": ["/busybox", "sleep", "60"], "cwd": "/", "env": ["PATH=/"]},
 "root": {"path": "rootfs", "readonly": true},
 "mounts": [
  {"destination": "/proc", "type": "proc", "source": "proc"},
  {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
  {"destination": "/etc/passwd", "type": "bind", "source": %q, "options": ["bind", "ro"]}
 ],
 "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "network"}]}
}`

// runtimes are those of the host, and those that integration/deps.sh has built.
func runtimes(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, name := range []string{"runc", "crun"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Errorf("the test needs %s: %v", name, err)
			continue
		}
		out = append(out, path)
	}
	cache := os.Getenv("RUNCLAD_CACHE")
	if cache == "" {
		cache = filepath.Join(os.Getenv("HOME"), ".cache/runclad")
	}
	built, err := filepath.Glob(filepath.Join(cache, "runc-*", "runc"))
	if err != nil {
		t.Fatal(err)
	}
	return append(out, built...)
}

// The runtimes themselves: what their state looks like, when it is there, and
// that they can mount a file out of a folder that only root may enter.
func TestRuntimes(t *testing.T) {
	for _, runtime := range runtimes(t) {
		t.Run(strings.ReplaceAll(strings.TrimPrefix(runtime, "/"), "/", "_"), func(t *testing.T) {
			s := open(t)
			bundle := t.TempDir()
			rootfs := filepath.Join(bundle, "rootfs")
			for _, dir := range []string{"etc", "proc", "dev"} {
				if err := os.MkdirAll(filepath.Join(rootfs, dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			busybox, err := exec.LookPath("busybox")
			if err != nil {
				t.Fatalf("the test needs a static busybox: %v", err)
			}
			data, err := os.ReadFile(busybox)
			if err != nil {
				t.Fatal(err)
			}
			// The root file system is read-only: the mount point has to be there.
			if err := errors.Join(os.WriteFile(filepath.Join(rootfs, "busybox"), data, 0o755), os.WriteFile(filepath.Join(rootfs, "etc/passwd"), nil, 0o644)); err != nil {
				t.Fatal(err)
			}
			root := filepath.Join(bundle, "state")
			r := sample(root, fmt.Sprintf("live-%d-%d", os.Getpid(), time.Now().UnixNano()), self(t))
			args := []string{"--root", root}
			if r.Runtime = runtime; filepath.Base(runtime) == "crun" {
				r.Flavor = "crun"
			}
			command := []string{runtime}
			if _, err := os.Stat("/sys/fs/cgroup/unified"); err == nil && r.Flavor == "crun" {
				// crun 1.8 refuses a host with both cgroup versions: hide one.
				command = []string{"unshare", "--mount", "sh", "-c", `umount -l /sys/fs/cgroup/unified && exec "$@"`, "sh", runtime}
			}
			run := func(more ...string) string {
				t.Helper()
				line := append(append(command[1:len(command):len(command)], args...), more...)
				cmd := exec.Command(command[0], line...)
				log, err := os.Create(filepath.Join(bundle, "out"))
				if err != nil {
					t.Fatal(err)
				}
				defer log.Close()
				cmd.Stdout, cmd.Stderr = log, log // files: the container keeps them open
				err = cmd.Run()
				data, rerr := os.ReadFile(log.Name())
				if err := errors.Join(err, rerr); err != nil {
					t.Fatalf("%s %v: %v\n%s", runtime, more, err, data)
				}
				return string(data)
			}
			if err := s.Write(r, File{"passwd", []byte("runclad:x:7:7::/:\n")}); err != nil {
				t.Fatal(err)
			}
			config := fmt.Sprintf(liveConfig, s.Path(r, "passwd"))
			if err := os.WriteFile(filepath.Join(bundle, "config.json"), []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			run("create", "--bundle", bundle, r.ID)
			deleted := false
			defer func() {
				if !deleted {
					run("delete", "--force", r.ID)
				}
			}()
			r.CreatorPID, r.CreatorStart = 1<<29, 1 // it has ended
			if alive, err := r.Alive(); !alive || err != nil {
				t.Errorf("created: alive %v, %v", alive, err)
			}
			p, err := ContainerPID(r)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(fmt.Sprintf("/proc/%d/ns/net", p.PID)); err != nil {
				t.Error(err)
			}
			run("start", r.ID)
			if again, err := ContainerPID(r); again != p || err != nil {
				t.Errorf("started: %v, %v; created: %v", again, err, p)
			}
			if out := run("exec", r.ID, "/busybox", "cat", "/etc/passwd"); out != "runclad:x:7:7::/:\n" {
				t.Errorf("passwd in the container: %q", out)
			}
			run("delete", "--force", r.ID)
			deleted = true
			if alive, err := r.Alive(); alive || err != nil {
				t.Errorf("deleted: alive %v, %v", alive, err)
			}
			if p, err := ContainerPID(r); err == nil {
				t.Errorf("deleted: %v", p)
			}
		})
	}
}
