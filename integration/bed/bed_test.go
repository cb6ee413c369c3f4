// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// childEnv has the test binary be the inner program of a bed within the bed.
const childEnv = "BED_TEST_CHILD"

func TestMain(m *testing.M) {
	if what := os.Getenv(childEnv); what != "" {
		Enter()
		child(what)
	}
	Main(m)
}

func child(what string) {
	switch what {
	case "exit":
		os.Exit(7)
	case "signal":
		ch := make(chan os.Signal, 1)
		signal.Notify(ch, unix.SIGTERM)
		fmt.Println("ready")
		<-ch
		os.Exit(9)
	case "linger":
		// A daemon that no one waits for, in a mount and a cgroup of its own.
		p := &Program{}
		MustRun(p, "mkdir", "/sys/fs/cgroup/"+someController()+"/docker")
		MustRun(p, "sh", "-c", "setsid sleep 4242 >/dev/null 2>&1 </dev/null &")
		fmt.Println("ready")
		select {}
	}
}

// someController is a v1 controller's folder, "" on a pure v2 host.
func someController() string {
	for _, h := range hierarchies() {
		if !h.v2 {
			return filepath.Base(h.mountpoint)
		}
	}
	return ""
}

// spawn starts the test binary as a bed within this one and returns when the
// inner program says that it is ready.
func spawn(t *testing.T, what string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+what)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); what != "exit" && (err != nil || line != "ready\n") {
		t.Fatalf("the inner program says %q (%v)", line, err)
	}
	return cmd
}

func TestExitStatusAndSignals(t *testing.T) {
	cmd := spawn(t, "exit")
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 7 {
		t.Errorf("exit status %d, want the inner program's 7", got)
	}
	cmd = spawn(t, "signal")
	if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 9 {
		t.Errorf("exit status %d, want the 9 of the inner program's handler", got)
	}
}

// TestKilled: after SIGKILL of the outer process no process of the bed lives,
// and the next bed removes what it left.
func TestKilled(t *testing.T) {
	cmd := spawn(t, "linger")
	sleeping := func() string { return Run("pgrep", "-f", "^sleep 4242").Stdout }
	Eventually(t, 5*time.Second, func() error { // it may be in the middle of execve(2)
		if sleeping() == "" {
			return errors.New("the lingering process is not seen from outside")
		}
		return nil
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	Eventually(t, 5*time.Second, func() error {
		if s := sleeping(); s != "" {
			return fmt.Errorf("still alive: %s", s)
		}
		return nil
	})
	name := fmt.Sprintf("runclad-bed-%d", cmd.Process.Pid)
	dead := filepath.Join(scratchParent, name)
	if _, err := os.Stat(dead); err != nil {
		t.Fatalf("the killed bed's folder: %v", err)
	}
	_ = spawn(t, "exit").Wait()
	if _, err := os.Stat(dead); err == nil {
		t.Errorf("%s is still there", dead)
	}
	for _, h := range hierarchies() {
		if _, err := os.Stat(filepath.Join(h.parent(), name)); err == nil {
			t.Errorf("the cgroup %s in %s is still there", name, h.mountpoint)
		}
	}
}

func TestNamespaces(t *testing.T) {
	if os.Getpid() == 1 || len(MustRun(t, "ps", "-e", "-o", "pid=").Stdout) == 0 {
		t.Error("not in a PID namespace with an init of its own")
	}
	if got := MustRun(t, "ls", "/sys/class/net").Stdout; !strings.HasPrefix(got, "lo\n") {
		t.Errorf("/sys shows network devices %q", got)
	}
	for _, h := range hierarchies() {
		if h.own != "/" && h.own != "/init" {
			t.Errorf("%s: own cgroup %q, want the root of the cgroup namespace", h.mountpoint, h.own)
		}
	}
	for _, m := range mountinfo() {
		if m.fstype == "cgroup" && m.root != "/" {
			t.Errorf("%s shows %q of the hierarchy", m.mountpoint, m.root)
		}
	}
}

func TestPrivateFolders(t *testing.T) {
	for _, d := range []string{"/etc", "/run", "/var/log", "/var/lib", "/dev/shm"} {
		f := filepath.Join(d, "bed-wrote-this")
		Write(t, f, "x")
	}
	if _, err := os.Stat(PolicyFile); err == nil {
		t.Error("the host's policy shows in the bed")
	}
}

func TestParseMountinfo(t *testing.T) {
	got := parseMountinfo("36 35 98:0 /a\\040b /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\nshort line\n")
	want := mount{root: "/a\\040b", mountpoint: "/mnt 2", fstype: "ext3", super: "rw,errors=continue"}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRuntimes(t *testing.T) {
	Metadata(t)
	for _, rt := range Runtimes(t) {
		t.Run(rt.Name, func(t *testing.T) {
			s := DockerSpec(t)
			s.Process.Args = []string{"/probe", "net"}
			for i, ns := range s.Linux.Namespaces {
				if ns.Type == "network" {
					s.Linux.Namespaces[i].Path = NetNS(t)
				}
			}
			c := NewContainer(t, rt.Path, rt, Rootfs(t), s)
			r := Report(t, c.RunToEnd())
			if r.UID != 0 || r.Writes["/"] != "ok" || r.Seccomp != 2 {
				t.Errorf("a plain container: %+v", r)
			}
			for name, reached := range r.Reach {
				if !strings.Contains(reached.Result, MetadataAnswer) && !strings.Contains(reached.Result, DNSAnswer) {
					t.Errorf("%s: %+v", name, reached)
				}
			}
		})
	}
}
