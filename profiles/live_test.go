// SPDX-License-Identifier: Apache-2.0

package profiles

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// runtimes are the OCI runtimes to test with: runc and crun of the PATH, and
// those that RUNCLAD_TEST_RUNTIMES names, separated by colons.
func runtimes(t testing.TB) []string {
	var found []string
	for _, name := range []string{"runc", "crun"} {
		if p, err := exec.LookPath(name); err == nil {
			found = append(found, p)
		}
	}
	for _, p := range filepath.SplitList(os.Getenv("RUNCLAD_TEST_RUNTIMES")) {
		if p != "" {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		t.Skip("neither runc nor crun is installed, and RUNCLAD_TEST_RUNTIMES names no other")
	}
	if os.Geteuid() != 0 {
		t.Skip("running a container needs root")
	}
	return found
}

// command prepares a run of an OCI runtime. crun 1.8 refuses a machine
// with cgroup v1 that also has a v2 hierarchy at /sys/fs/cgroup/unified, so crun
// gets a mount namespace without that.
func command(runtime string, args ...string) *exec.Cmd {
	if filepath.Base(runtime) == "crun" {
		hide := `if [ -e /sys/fs/cgroup/unified ]; then umount /sys/fs/cgroup/unified || exit 1; fi; exec "$0" "$@"`
		args = append([]string{"--mount", "--propagation", "private", "sh", "-c", hide, runtime}, args...)
		runtime = "unshare"
	}
	return exec.Command(runtime, args...)
}

// bundle makes a bundle that runs argv without capabilities, as an unprivileged
// user, with noNewPrivileges, under a profile (none where it is nil). It has the
// network namespace of the test, whose loopback is up.
func bundle(t testing.TB, rootfs string, profile *specs.LinuxSeccomp, argv ...string) string {
	t.Helper()
	dir := t.TempDir()
	spec := specs.Spec{
		Version: "1.0.2",
		Root:    &specs.Root{Path: rootfs, Readonly: true},
		Process: &specs.Process{
			User: specs.User{UID: 23456, GID: 23456}, Args: argv, Cwd: "/",
			NoNewPrivileges: true, Capabilities: &specs.LinuxCapabilities{},
			Env: []string{"PATH=/bin"},
		},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "mode=755", "size=64k"}},
			{Destination: "/tmp", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "mode=1777", "size=1m"}},
		},
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace},
				{Type: specs.MountNamespace},
				{Type: specs.IPCNamespace},
				{Type: specs.UTSNamespace},
				{Type: specs.NetworkNamespace},
			},
			Seccomp: profile,
		},
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// rootfs makes a root file system with the probe and busybox in /bin.
func rootfs(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"bin", "proc", "tmp", "dev"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// runc 1.1 gives a tmpfs the mode of the directory under it.
	if err := os.Chmod(filepath.Join(dir, "tmp"), 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "bin/probe"), "./testdata/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the probe: %v\n%s", err, out)
	}
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatalf("the test needs a static busybox: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin/busybox"), busybox, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// run runs a bundle to its end and returns what it printed.
func run(t testing.TB, runtime, state, dir string) (string, error) {
	t.Helper()
	id := fmt.Sprintf("profile-test-%d-%d", os.Getpid(), runs)
	runs++
	var stdout, stderr bytes.Buffer
	cmd := command(runtime, "--root", state, "run", "--bundle", dir, id)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s run: %w: %s%s", runtime, err, stderr.String(), stdout.String())
	}
	return stdout.String(), nil
}

var runs int

// TestLive runs a container under the profile on each runtime and makes real
// calls in it. That it starts at all shows that the profile has what the
// runtime needs between loading the filter and execve(2).
func TestLive(t *testing.T) {
	list := runtimes(t)
	fs := rootfs(t)
	raw, err := Seccomp(Options{Runtime: "runc"})
	if err != nil {
		t.Fatal(err)
	}
	dir := bundle(t, fs, parse(t, []byte(raw)), "/bin/probe")
	for _, runtime := range list {
		t.Run(strings.Trim(runtime, "/"), func(t *testing.T) {
			out, err := run(t, runtime, t.TempDir(), dir)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for line := range strings.Lines(out) {
				name, errno, ok := strings.Cut(strings.TrimSpace(line), " ")
				if !ok {
					t.Fatalf("the probe printed %q", line)
				}
				got[name] = errno
			}
			if len(got) != len(probed) {
				t.Errorf("%d answers, %d expected", len(got), len(probed))
			}
			for name, want := range probed {
				if got[name] != want {
					t.Errorf("%s: errno %q, want %s", name, got[name], want)
				}
			}
		})
	}
}

// TestLiveFallbacks runs programs that use refused calls and go on without:
// Go's io.Copy between sockets (splice), and a shell with pipes and processes
// (clone3 and the newer file calls).
func TestLiveFallbacks(t *testing.T) {
	list := runtimes(t)
	fs := rootfs(t)
	raw, err := Seccomp(Options{Runtime: "runc"})
	if err != nil {
		t.Fatal(err)
	}
	const script = `set -e
cd /tmp; mkdir d; echo hello | tee d/f | cat; cp -a d/f d/g; chmod 2755 d/g; mkfifo p; ls -l d >/dev/null
(sleep 0 & wait); find . -type p; tar cf - d | tar tf - | sort; id -u; stat -c %a d/g; chmod 4755 d/g || echo refused`
	const want = "hello\n./p\nd/\nd/f\nd/g\n23456\n2755\nrefused\n"
	for _, tt := range []struct {
		name, want string
		argv       []string
	}{
		{"copy", "copied 1048576\n", []string{"/bin/probe", "copy"}},
		{"shell", want, []string{"/bin/busybox", "sh", "-c", script}},
	} {
		dir := bundle(t, fs, parse(t, []byte(raw)), tt.argv...)
		for _, runtime := range list {
			t.Run(tt.name+runtime, func(t *testing.T) {
				out, err := run(t, runtime, t.TempDir(), dir)
				if err != nil {
					t.Fatal(err)
				}
				if out != tt.want {
					t.Errorf("printed %q, want %q", out, tt.want)
				}
			})
		}
	}
}

// TestLiveLibc runs a program that glibc sends to the calls it prefers (clone3,
// execveat, …), on which it must fall back. It is linked statically with the
// host's glibc.
func TestLiveLibc(t *testing.T) {
	list := runtimes(t)
	fs := rootfs(t)
	build := exec.Command("cc", "-O1", "-static", "-pthread", "-o", filepath.Join(fs, "bin/fallbacks"), "testdata/fallbacks/main.c")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	if err := os.Symlink("busybox", filepath.Join(fs, "bin/sh")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ level, want string }{
		{LevelDefault, libc},
		{LevelStrict, strings.Replace(libc, "memfd 0", "memfd 38", 1)},
	} {
		raw, err := Seccomp(Options{Runtime: "runc", Level: tt.level})
		if err != nil {
			t.Fatal(err)
		}
		dir := bundle(t, fs, parse(t, []byte(raw)), "/bin/fallbacks")
		for _, runtime := range list {
			t.Run(tt.level+runtime, func(t *testing.T) {
				out, err := run(t, runtime, t.TempDir(), dir)
				if err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(strings.Fields(out), " "); got != strings.Join(strings.Fields(tt.want), " ") {
					t.Errorf("printed\n%swant\n%s", out, tt.want)
				}
			})
		}
	}
}

// libc is what the program prints: what is refused when called directly, and
// that all else works.
const libc = `raw-clone3 38 raw-openat2 38 raw-io_uring_setup 38 raw-io_setup 38 raw-execveat 38
pthread 0 posix_spawn 0 fork 0 system 3 faccessat 0 statx 0 stat 0 openat 0 fchmodat 0 fexecve 0
pi-mutex 0 cond-timedwait 0 memfd 0 socketpair 0`

// TestTailIsNeeded: without any of the calls that Meet demands, the runtime does
// not start the program, so that a refusal takes nothing from anybody.
func TestTailIsNeeded(t *testing.T) {
	fs := rootfs(t)
	raw, err := Seccomp(Options{Runtime: "runc"})
	if err != nil {
		t.Fatal(err)
	}
	for _, runtime := range runtimes(t) {
		name := filepath.Base(runtime)
		for i := range calls {
			call := calls[i].Name
			if !needs(name, call) {
				continue
			}
			p := parse(t, []byte(raw))
			kept := p.Syscalls[:0]
			for _, s := range p.Syscalls {
				if s.Names = slices.DeleteFunc(s.Names, func(n string) bool { return n == call }); len(s.Names) > 0 {
					kept = append(kept, s)
				}
			}
			p.Syscalls = kept
			if _, err := run(t, runtime, t.TempDir(), bundle(t, fs, p, "/bin/busybox", "true")); err == nil {
				t.Errorf("%s starts a program without %s", runtime, call)
			}
		}
	}
}

// TestLiveMeet starts containers under the meet of ours and the profiles of real
// engines, and under one with comparisons of 64 bits.
func TestLiveMeet(t *testing.T) {
	fs := rootfs(t)
	engines := engineProfiles(t)
	engines["comparisons"] = `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
		{"names":["personality"],"action":"SCMP_ACT_KILL_PROCESS","args":[{"index":0,"value":131072,"op":"SCMP_CMP_NE"}]},
		{"names":["fcntl"],"action":"SCMP_ACT_ERRNO","args":[{"index":1,"value":4611686018427387904,"op":"SCMP_CMP_GE"}]},
		{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]}`
	for name, engine := range engines {
		raw, _, err := Meet(Options{Runtime: "runc", Level: LevelEngine}, value(t, engine))
		if err != nil {
			t.Fatal(name, err)
		}
		dir := bundle(t, fs, parse(t, []byte(raw)), "/bin/busybox", "sh", "-c", "mkdir /tmp/d && echo made || echo refused")
		want := "made\n"
		if name == "comparisons" || name == "docker/29-custom-seccomp" {
			want = "refused\n"
		}
		for _, runtime := range runtimes(t) {
			if out, err := run(t, runtime, t.TempDir(), dir); err != nil || out != want {
				t.Errorf("%s on %s: %q, %v", name, runtime, out, err)
			}
		}
	}
}

// probed are the errnos that the probe must see.
var probed = map[string]string{
	"socket-unix": "0", "socket-tcp": "0", "socket-tcp-high": "0", "socket-udp6": "0", "socket-route": "0",
	"socket-vsock": "38", "socket-vsock-high": "38", "socket-alg": "38", "socket-alg-high": "38",
	"socket-packet": "38", "socket-audit": "93", "socket-netfilter": "38",
	"nodelay": "0", "reuseaddr": "0", "tcp-ulp": "38", "tcp-ulp-high": "38", "attach-bpf": "38",
	"unshare-user": "1", "clone-user": "38", "clone-user-high": "38", "clone3": "38", "setns": "1",
	"keyctl": "38", "add_key": "38", "io_uring_setup": "38", "io_setup": "38", "splice": "22",
	"bpf": "1", "perf_event_open": "1", "userfaultfd": "1", "ptrace": "1", "mount": "1",
	"open_by_handle_at": "1", "openat2": "38", "mq_open": "38", "msgget": "38",
	"fchmod-0755": "0", "fchmod-04755": "1", "fchmodat-04755-high": "1", "openat-creat-04755": "38",
	"mknodat-chr": "38", "personality-query": "0", "personality-norandom": "38",
	"personality-norandom-high": "38", "prctl-name": "0", "prctl-mm": "38",
	"futex-wake": "0", "futex-requeue-pi": "38", "madvise-collapse": "38", "tiocsti": "38",
	"fionread": "0", "send-oob": "38", "unknown-number": "38",
}
