// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
)

// call runs a program to its end with its streams on /dev/null and returns how
// long that took. It uses fork and exec without os/exec, whose pipes and
// goroutines would be in the figures.
func call(argv ...string) (time.Duration, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	env := os.Environ()
	start := time.Now()
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Env:   env,
		Files: []uintptr{null.Fd(), null.Fd(), null.Fd()},
	})
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", argv[0], err)
	}
	var ws syscall.WaitStatus
	for {
		if _, err = syscall.Wait4(pid, &ws, 0, nil); err != syscall.EINTR { //nolint:errorlint // a bare errno
			break
		}
	}
	took := time.Since(start)
	if err != nil {
		return 0, fmt.Errorf("wait for %s: %w", argv[0], err)
	}
	if ws.ExitStatus() != 0 {
		return 0, fmt.Errorf("%s: exit status %d%s", strings.Join(argv, " "), ws.ExitStatus(), logged(argv))
	}
	return took, nil
}

// logged is what the runtime wrote to its --log.
func logged(argv []string) string {
	for i, a := range argv {
		if a == "--log" {
			b, _ := os.ReadFile(argv[i+1])
			return ": " + string(b)
		}
	}
	return ""
}

// A container is a bundle and the calls on it.
type container struct{ *bed.Container }

// newContainer makes a bundle with Docker's config for a command.
func (b *bench) newContainer(binary string, rt bed.Runtime, rootfs string, args ...string) container {
	return b.containerIn("", binary, rt, rootfs, args...)
}

// containerIn does so for a network namespace, "" for one that the runtime makes.
func (b *bench) containerIn(netns, binary string, rt bed.Runtime, rootfs string, args ...string) container {
	s := bed.DockerSpec(b.p)
	s.Process.Args = args
	for i, ns := range s.Linux.Namespaces {
		if ns.Type == specs.NetworkNamespace {
			s.Linux.Namespaces[i].Path = netns
		}
	}
	return container{bed.NewContainer(b.p, binary, rt, rootfs, s)}
}

func (c container) create() (time.Duration, error) {
	return call(c.Argv("create", "--bundle", c.Bundle, "--pid-file", filepath.Join(c.Bundle, "init.pid"), c.ID)...)
}

func (c container) start() (time.Duration, error) { return call(c.Argv("start", c.ID)...) }

// ended waits until the container's init is gone: runc's delete --force waits
// in steps of 100 ms for one that lives, which would hide everything else.
func (c container) ended() {
	for unix.Kill(c.Pid(), 0) == nil {
		time.Sleep(time.Millisecond)
	}
}

// delete ends the container's life; nothing may be done with it afterwards.
func (c container) delete(flags ...string) (time.Duration, error) {
	took, err := call(c.Argv(append(append([]string{"delete"}, flags...), c.ID)...)...)
	if err == nil {
		c.Forget()
	}
	return took, err
}
