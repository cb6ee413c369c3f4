// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Where runclad keeps its things; in a bed these are private.
const (
	PolicyFile  = "/etc/runclad/policy.toml"
	RuntimeLink = "/etc/runclad/runtime"
	StateDir    = "/run/runclad"
	AuditFile   = "/var/log/runclad/audit.jsonl"
)

// Versions of what deps.sh builds: the names of the folders in the cache.
const (
	containerdFolder = "containerd-v2.4.2"
	dockerdFolder    = "dockerd-v2.0.0-beta.24"
)

// Repo is the top folder of the source tree.
func Repo(t T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("bed: %v", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == "/" {
			t.Fatalf("bed: no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}

// Shim is the program under test: bin/runclad as `make build` leaves it, or
// what RUNCLAD_TEST_SHIM names, such as an installed one.
func Shim(t T) string {
	t.Helper()
	if p := os.Getenv("RUNCLAD_TEST_SHIM"); p != "" {
		return existing(t, p, "make build")
	}
	return existing(t, filepath.Join(Repo(t), "bin/runclad"), "make build")
}

// ctl is the operator's tool under test: bin/runcladctl, or what
// RUNCLAD_TEST_CTL names.
func ctl(t T) string {
	t.Helper()
	if p := os.Getenv("RUNCLAD_TEST_CTL"); p != "" {
		return existing(t, p, "make build")
	}
	return existing(t, filepath.Join(Repo(t), "bin/runcladctl"), "make build")
}

// Cached is a program that deps.sh built.
func Cached(t T, folder, name string) string {
	t.Helper()
	cache := os.Getenv("RUNCLAD_CACHE")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Fatalf("bed: %v", err)
		}
		cache = filepath.Join(home, ".cache/runclad")
	}
	return existing(t, filepath.Join(cache, folder, name), "integration/deps.sh test")
}

// Installed is a program of the distribution, at the first of the absolute
// paths that exists: tests say which program they mean rather than take what
// PATH finds first.
func Installed(t T, paths ...string) string {
	t.Helper()
	for _, p := range paths[:len(paths)-1] {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return existing(t, paths[len(paths)-1], "integration/deps.sh test")
}

func existing(t T, path, remedy string) string {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("bed: %s is missing; run %s", path, remedy)
	}
	return path
}

// A Runtime is a real OCI runtime under the shim.
type Runtime struct {
	Name string // for the test's name, such as runc-v1.5.2
	Path string
}

// Crun tells whether it is crun rather than runc.
func (r Runtime) Crun() bool { return filepath.Base(r.Path) == "crun" }

// DebianRunc is the distribution's runc.
func DebianRunc(t T) Runtime {
	t.Helper()
	return Runtime{Name: "runc-debian", Path: Installed(t, "/usr/sbin/runc", "/usr/bin/runc")}
}

// CurrentRunc is the newest runc that deps.sh builds.
func CurrentRunc(t T) Runtime {
	t.Helper()
	return Runtime{Name: "runc-v1.5.2", Path: Cached(t, "runc-v1.5.2", "runc")}
}

// Runtimes are the runtimes to test on: those of RUNCLAD_TEST_RUNTIMES (paths,
// separated by colons), or Debian's runc and crun and the two built runcs.
func Runtimes(t T) []Runtime {
	t.Helper()
	list := os.Getenv("RUNCLAD_TEST_RUNTIMES")
	if list == "" {
		list = strings.Join([]string{
			"/usr/sbin/runc", Cached(t, "runc-v1.3.6", "runc"), CurrentRunc(t).Path, "/usr/bin/crun",
		}, ":")
	}
	var out []Runtime
	for _, p := range strings.Split(list, ":") {
		name := filepath.Base(filepath.Dir(p))
		if !strings.Contains(name, "-") {
			name = filepath.Base(p) + "-debian"
		}
		out = append(out, Runtime{Name: name, Path: Installed(t, p)})
	}
	return out
}

// counter numbers folders, containers and namespaces.
var counter struct {
	sync.Mutex
	n int
}

func next() int {
	counter.Lock()
	defer counter.Unlock()
	counter.n++
	return counter.n
}

// ID makes a container ID that no other test of this process has.
func ID() string { return fmt.Sprintf("rc%d-%d", os.Getpid(), next()) }

// Dir makes an empty folder on disk that lives as long as the bed.
func Dir(t T, name string) string {
	t.Helper()
	return mkdir(t, filepath.Join(scratch, fmt.Sprintf("%s-%d", name, next())))
}

// RunDir makes an empty folder on the bed's /run, a tmpfs, where engines have
// their bundles and sockets.
func RunDir(t T, name string) string {
	t.Helper()
	return mkdir(t, filepath.Join("/run", fmt.Sprintf("%s-%d", name, next())))
}

func mkdir(t T, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o711); err != nil {
		t.Fatalf("bed: %v", err)
	}
	return dir
}

// Write writes a file and the folders above it.
func Write(t T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatalf("bed: %v", err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatalf("bed: %v", err)
	}
}

// Use makes the runtime the one that runclad hands off to.
func Use(t T, runtime Runtime) {
	t.Helper()
	mkdir(t, filepath.Dir(RuntimeLink))
	_ = os.Remove(RuntimeLink)
	if err := os.Symlink(runtime.Path, RuntimeLink); err != nil {
		t.Fatalf("bed: %v", err)
	}
	t.Cleanup(func() { _ = os.Remove(RuntimeLink) })
}

// Policy writes the policy file with these lines in the table
// [profile.default]. The file is removed after the test.
func Policy(t T, lines ...string) {
	t.Helper()
	Write(t, PolicyFile, "[profile.default]\n"+strings.Join(lines, "\n")+"\n")
	t.Cleanup(func() { _ = os.Remove(PolicyFile) })
}
