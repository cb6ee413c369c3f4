// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/integration/bed"
)

// dockerFeatures are the things that a user of Docker does with a container, and
// that have to go on working.
func dockerFeatures(t *testing.T, d *bed.Docker) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *bed.Docker)
	}{
		{"RestartAlways", dockerRestartAlways},
		{"Logs", dockerLogs},
		{"Terminal", dockerTerminal},
		{"ExecOptions", dockerExecOptions},
		{"Copy", dockerCopy},
		{"Commit", dockerCommit},
		{"Init", dockerInit},
		{"Stats", dockerStats},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, d.With(t)) })
	}
}

// dockerRestartAlways: what crashes is started again, under another UID.
func dockerRestartAlways(t *testing.T, d *bed.Docker) {
	d.Must("run", "-d", "--name", "again", "--runtime", "runclad", "--restart", "always", bed.Image,
		"sh", "-c", "id -u; sleep 1; exit 3")
	t.Cleanup(func() { d.Run("rm", "-f", "again") })
	bed.Eventually(t, time.Minute, func() error {
		uids := strings.Fields(d.Run("logs", "again").Stdout)
		if len(uids) < 2 {
			return fmt.Errorf("it ran as %v", uids)
		}
		if uids[0] == uids[1] {
			t.Errorf("twice under one UID: %v", uids)
		}
		return nil
	})
	d.Must("stop", "-t", "1", "again")
}

// dockerLogs: both streams, also when reopened by name.
func dockerLogs(t *testing.T, d *bed.Docker) {
	d.Must("run", "--name", "logs", "--runtime", "runclad", bed.Image,
		"sh", "-c", "echo out; echo err >&2; echo reopened >/dev/stdout; echo errors >/dev/stderr; echo fd >/proc/self/fd/1")
	t.Cleanup(func() { d.Run("rm", "-f", "logs") })
	r := d.Must("logs", "logs")
	if r.Stdout != "out\nreopened\nfd\n" || r.Stderr != "err\nerrors\n" {
		t.Errorf("%v", r)
	}
}

// inTerminal runs docker in a pseudo-terminal, as from a shell (script(1)).
func inTerminal(t *testing.T, d *bed.Docker, input string, args ...string) bed.Result {
	t.Helper()
	line := d.Command(args...)
	for i, a := range line.Args {
		line.Args[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	line.Args = []string{bed.Installed(t, "/usr/bin/script"), "-qec", strings.Join(line.Args, " "), "/dev/null"}
	line.Stdin = input
	return line.Run()
}

// ownsTerminal says whom the terminal belongs to, and uses it by its name.
const ownsTerminal = `test -t 0 && test "$(stat -c %u "$(tty)")" = "$(id -u)" && echo by-name >"$(tty)" && stty size >/dev/null && echo owned`

func dockerTerminal(t *testing.T, d *bed.Docker) {
	if r := inTerminal(t, d, "", "run", "--rm", "-it", "--runtime", "runclad", bed.Image, "sh", "-c", ownsTerminal); r.Code != 0 || !strings.Contains(r.Stdout, "by-name") {
		t.Errorf("run -it: %v", r)
	}
	d.Must("run", "-dit", "--name", "term", "--runtime", "runclad", bed.Image, "sh")
	t.Cleanup(func() { d.Run("rm", "-f", "term") })
	if r := inTerminal(t, d, "", "exec", "-it", "term", "sh", "-c", ownsTerminal); r.Code != 0 || !strings.Contains(r.Stdout, "by-name") {
		t.Errorf("exec -it: %v", r)
	}
	// The shell ends by what is typed, and attach with it.
	if r := inTerminal(t, d, "echo typed-$((40+2)); exit 5\n", "attach", "term"); !strings.Contains(r.Stdout, "typed-42") || r.Code != 5 {
		t.Errorf("attach: %v", r)
	}
}

func dockerExecOptions(t *testing.T, d *bed.Docker) {
	up(t, d, "opts")
	uid := strings.TrimSpace(d.Must("exec", "opts", "id", "-u").Stdout)
	for _, c := range []struct {
		flags []string
		cmd   string
		want  string
	}{
		{[]string{"-w", "/var/lib"}, "pwd", "/var/lib"},
		{[]string{"-e", "K=v"}, "echo $K", "v"},
		{[]string{"-u", "nobody"}, "id -u", uid},
		{[]string{"-u", "nobody:root", "-w", "/tmp"}, "pwd; id -u; touch here && echo made", "/tmp\n" + uid + "\nmade"},
		{[]string{"-u", "65534"}, "id -u", uid},
	} {
		args := append(append([]string{"exec"}, c.flags...), "opts", "sh", "-c", c.cmd)
		if r := d.Must(args...); strings.TrimSpace(r.Stdout) != c.want {
			t.Errorf("%v: want %q", r, c.want)
		}
	}
	r := d.Command("exec", "-i", "opts", "cat")
	r.Stdin = "piped"
	if got := r.Run(); got.Stdout != "piped" || got.Code != 0 {
		t.Errorf("exec -i: %v", got)
	}
	d.Must("exec", "-d", "opts", "sh", "-c", "echo x >/tmp/detached")
	bed.Eventually(t, 20*time.Second, func() error { return failure(d.Run("exec", "opts", "test", "-s", "/tmp/detached")) })
}

// dockerCopy: files of the image and of volumes come out and go in. What lies in
// the container's memory is in its own mounts, which `docker cp` does not see,
// as it sees no tmpfs; `exec tar` does.
func dockerCopy(t *testing.T, d *bed.Docker) {
	d.Must("run", "-d", "--name", "cp", "--runtime", "runclad", "-v", "cpdata:/data", bed.Image, "sh", "-c", "echo mine >/data/f; exec sleep 300")
	t.Cleanup(func() { d.Run("rm", "-f", "cp"); d.Run("volume", "rm", "-f", "cpdata") })
	bed.Eventually(t, 20*time.Second, func() error { return failure(d.Run("exec", "cp", "test", "-s", "/data/f")) })
	dir := bed.Dir(t, "cp")
	d.Must("cp", "cp:/etc/group", filepath.Join(dir, "group"))
	d.Must("cp", "cp:/data/f", filepath.Join(dir, "f"))
	if b, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || string(b) != "mine\n" {
		t.Errorf("copied out: %q, %v", b, err)
	}
	bed.Write(t, filepath.Join(dir, "in"), "from outside\n")
	d.Must("cp", filepath.Join(dir, "in"), "cp:/data/in")
	if r := d.Must("exec", "cp", "sh", "-c", "cat /data/in && echo more >>/data/f && rm /data/f"); r.Stdout != "from outside\n" {
		t.Errorf("copied in: %v", r)
	}
	out := d.Must("exec", "cp", "sh", "-c", "echo in memory >/tmp/m && tar -C /tmp -cf - m")
	if !strings.Contains(out.Stdout, "in memory") {
		t.Errorf("tar: %v", out)
	}
}

// dockerCommit: the image that comes of it is the one that the container was
// made from; nothing was written to it.
func dockerCommit(t *testing.T, d *bed.Docker) {
	up(t, d, "orig")
	d.Must("exec", "orig", "sh", "-c", "echo x >/tmp/f")
	d.Must("commit", "--change", "ENV K=v", "orig", "committed")
	t.Cleanup(func() { d.Run("rmi", "-f", "committed") })
	r := d.Must("run", "--rm", "--runtime", "runclad", "committed", "sh", "-c", "echo $K; test ! -e /tmp/f && id -un")
	if r.Stdout != "v\nrunclad\n" {
		t.Errorf("%v", r)
	}
	if r := d.Must("diff", "orig"); strings.Contains(r.Stdout, "/tmp/f") {
		t.Errorf("diff: %v", r)
	}
}

// dockerInit: --init is a program of the host's, bound into the container.
func dockerInit(t *testing.T, d *bed.Docker) {
	if got := d.Run("run", "--rm", "--init", "--runtime", "runclad", bed.Image, "sh", "-c", "cat /proc/1/comm; exit 6"); got.Code != 6 || !strings.Contains(got.Stdout, "docker-init") {
		t.Errorf("%v", got)
	}
}

// dockerStats: what the engine reads of cgroups and processes.
func dockerStats(t *testing.T, d *bed.Docker) {
	up(t, d, "stats")
	r := d.Must("stats", "--no-stream", "--format", "{{.PIDs}} {{.MemUsage}}", "stats")
	var pids int
	if _, err := fmt.Sscan(r.Stdout, &pids); err != nil || pids < 1 {
		t.Errorf("%v", r)
	}
	uid := strings.TrimSpace(d.Must("exec", "stats", "id", "-u").Stdout)
	if r := d.Must("top", "stats", "-o", "uid,pid,cmd"); !strings.Contains(r.Stdout, uid) {
		t.Errorf("no %s in %v", uid, r)
	}
	d.Must("pause", "stats")
	if r := d.Run("exec", "stats", "true"); r.Code == 0 {
		t.Errorf("exec in a paused container: %v", r)
	}
	d.Must("unpause", "stats")
	d.Must("update", "--pids-limit", "50", "--restart", "no", "stats")
	d.Must("exec", "stats", "true")
}
