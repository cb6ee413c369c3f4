// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a daemon may take to come up, and then to end.
const patience = 30 * time.Second

// A daemon is a process that runs until the test is over.
type daemon struct {
	cmd  *exec.Cmd
	done chan struct{}
	log  string
}

// start starts a daemon and waits until ready returns nil. It is ended by
// SIGTERM after the test, and killed where that does not help.
func start(t T, name string, env []string, ready func() error, args ...string) *daemon {
	t.Helper()
	d := &daemon{done: make(chan struct{}), log: filepath.Join(Dir(t, name+"-log"), name+".log")}
	log, err := os.OpenFile(d.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatalf("bed: %v", err)
	}
	defer log.Close()
	d.cmd = exec.Command(args[0], args[1:]...)
	d.cmd.Env = append(os.Environ(), env...)
	d.cmd.Stdout, d.cmd.Stderr = log, log
	// A group of its own: a terminal's interrupt is for the test, which then
	// ends its daemons in order.
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := d.cmd.Start(); err != nil {
		t.Fatalf("bed: start %s: %v", name, err)
	}
	go func() { _ = d.cmd.Wait(); close(d.done) }()
	t.Cleanup(func() { d.stop(t, name) })
	deadline := time.Now().Add(patience)
	for {
		err := ready()
		if err == nil {
			return d
		}
		select {
		case <-d.done:
			t.Fatalf("bed: %s ended: %s", name, d.tail())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("bed: %s is not ready: %v: %s", name, err, d.tail())
		}
	}
}

func (d *daemon) stop(t T, name string) {
	_ = d.cmd.Process.Signal(unix.SIGTERM)
	select {
	case <-d.done:
	case <-time.After(patience):
		t.Logf("bed: %s did not end on SIGTERM: %s", name, d.tail())
		_ = d.cmd.Process.Kill()
		<-d.done
	}
}

// kill ends the daemon as a crash would.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill()
	<-d.done
}

// tail is the end of the daemon's log.
func (d *daemon) tail() string {
	b, _ := os.ReadFile(d.log)
	return string(b[max(0, len(b)-4000):])
}
