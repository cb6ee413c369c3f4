// SPDX-License-Identifier: Apache-2.0

package runtime_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
)

// programs is where the shim and the fake runtime were built to.
var programs string

// entry has the shim start as in a release, at internal/prelude's entry point.
const entry = "-ldflags=-E github.com/runclad/runclad/internal/prelude.entry"

// TestMain runs the tests in private namespaces, where the shim's fixed paths
// are the tests' own.
func TestMain(m *testing.M) {
	bed.Enter()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	for fd := 3; fd < 1024; fd++ {
		unix.CloseOnExec(fd) // what the tests were started with is not the shim's affair
	}
	var err error
	if programs, err = os.MkdirTemp("", "programs"); err == nil {
		err = errors.Join(build("runclad", "../cmd/runclad"), build("runc", "./testdata/fakerunc"))
		if err == nil && goruntime.GOARCH == "amd64" {
			err = build("early/runclad", "../cmd/runclad", entry)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func build(name, pkg string, flags ...string) error {
	args := append([]string{"build", "-o", filepath.Join(programs, name)}, flags...)
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// serial is a testscript.T whose scripts do not run at the same time: they share
// /etc/runclad and /run/runclad.
type serial struct{ *testing.T }

func (s serial) Parallel()     {}
func (s serial) Verbose() bool { return testing.Verbose() }

func (s serial) Run(name string, f func(testscript.T)) {
	s.T.Run(name, func(t *testing.T) { f(serial{t}) })
}

// TestScripts runs testdata/script with the shim started by Go alone, and as in
// a release.
func TestScripts(t *testing.T) {
	t.Run("go", func(t *testing.T) { scripts(t, filepath.Join(programs, "runclad")) })
	t.Run("early", func(t *testing.T) {
		if goruntime.GOARCH != "amd64" {
			t.Skip("there is no entry point of runclad's for " + goruntime.GOARCH)
		}
		scripts(t, filepath.Join(programs, "early/runclad"))
	})
}

// scripts runs testdata/script with one build of the shim. Each begins without policy, run state and
// audit log, with the fake runtime behind the link, and with a bundle that
// nothing refuses.
func scripts(t *testing.T, shim string) {
	testscript.RunT(serial{t}, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			for _, dir := range []string{"/etc/runclad", "/run/runclad", "/run/runc", "/var/log/runclad"} {
				for unix.Unmount(dir, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) == nil { // all layers
				}
				if err := os.RemoveAll(dir); err != nil {
					return err
				}
			}
			if err := os.MkdirAll("/etc/runclad", 0o755); err != nil {
				return err
			}
			if err := os.Symlink(filepath.Join(programs, "runc"), "/etc/runclad/runtime"); err != nil {
				return err
			}
			env.Setenv("PROGRAMS", programs)
			env.Setenv("SHIM", shim)
			env.Setenv("FAKERUNC_OUT", filepath.Join(env.WorkDir, "out"))
			if err := os.Mkdir(filepath.Join(env.WorkDir, "out"), 0o755); err != nil {
				return err
			}
			if err := makeBundle(filepath.Join(env.WorkDir, "bundle")); err != nil {
				return err
			}
			s := &state{work: env.WorkDir, shim: shim}
			env.Values["state"] = s
			env.Defer(s.close)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"given":   func(ts *testscript.TestScript, _ bool, args []string) { of(ts).prelude = args[0] },
			"call":    cmdCall,
			"refused": cmdRefused,
			"passed":  cmdPassed,
			"ran":     cmdRan,
			"json":    cmdJSON,
			"mount":   cmdMount,
			"mkfifo": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(unix.Mkfifo(ts.MkAbs(args[0]), 0o600))
			},
			"fill":      cmdFill,
			"sed":       cmdSed,
			"container": cmdContainer,
			"owner":     cmdOwner,
			"audited":   cmdAudited,
			"output":    cmdOutput,
			"code":      cmdCode,
			"grant":     cmdGrant,
		},
	})
}

func of(ts *testscript.TestScript) *state { return ts.Value("state").(*state) }

// config is the spec of the bundle: small, and nothing in it is refused.
const config = `{"ociVersion":"1.0.2","process":{"args":["sh","-c","true"],"cwd":"/","env":["PATH=/bin"],"user":{"uid":0,"gid":0},` +
	`"capabilities":{"bounding":["CAP_CHOWN"],"effective":["CAP_CHOWN"],"permitted":["CAP_CHOWN"]},"x-unknown":18446744073709551615},` +
	`"root":{"path":"rootfs"},"hostname":"h","mounts":[{"destination":"/proc","type":"proc","source":"proc"}],` +
	`"linux":{"namespaces":[{"type":"mount"},{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"network"}]}}`

func makeBundle(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "rootfs/etc"), 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{"config.json": config, "rootfs/etc/passwd": "root:x:0:0::/root:/bin/sh\n", "rootfs/etc/group": "root:x:0:\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return errors.Join(os.Chmod(filepath.Join(dir, "config.json"), 0o640), os.Chown(filepath.Join(dir, "config.json"), 12, 34))
}
