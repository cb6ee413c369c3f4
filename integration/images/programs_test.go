// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

// TestClasses holds what each class of place allows, both ways: a script runs
// inside that says what it could do.
func TestClasses(t *testing.T) {
	const script = "#!/bin/sh\nexit 0\n"
	root := bed.Rootfs(t)
	for _, f := range []struct {
		path, text string
		uid        int
		mode       os.FileMode
	}{
		{"srv/own/run", script, 1000, 0o700}, // closed to all but the service's user
		{"srv/own/bin/tool", script, 1000, 0o700},
		{"srv/own/notes", "notes", 1000, 0o600},
		{"srv/own/logs/old", "old", 0, 0o644},
		{"app/run", script, 0, 0o755},
		{"app/code.py", "code", 0, 0o644},
		{"app/static/x.css", "css", 0, 0o644},
		{"opt/tool/cache/old", "old", 0, 0o644},
		{"opt/tool/code", "code", 0, 0o644},
	} {
		p := filepath.Join(root, f.path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(f.text), f.mode), os.Chown(p, f.uid, f.uid)); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"srv/own", "srv/own/bin"} {
		if err := errors.Join(os.Chown(filepath.Join(root, dir), 1000, 1000), os.Chmod(filepath.Join(root, dir), 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	var b strings.Builder
	b.WriteString("can() { what=$1; shift; if \"$@\" 2>/dev/null; then echo \"$what: yes\"; else echo \"$what: no\"; fi; }\nput() { echo x 2>/dev/null >\"$1\"; }\n")
	checks := []struct {
		what, cmd string
		want      bool
	}{
		{"run a program of a service's own", "/srv/own/run", true},
		{"run a program in a directory of a service's own", "/srv/own/bin/tool", true},
		{"change a program", "put /srv/own/run", false},
		{"remove a program", "rm -f /srv/own/run", false},
		{"add a program to programs", "put /srv/own/bin/new", false},
		{"change what is the service's", "put /srv/own/notes", true},
		{"run what was written", "sh -c 'cp /app/run /srv/own/new && /srv/own/new'", false},
		{"add to root's directory in a service's", "put /srv/own/logs/new", true},
		{"change root's file in a service's", "put /srv/own/logs/old", false},
		{"run a program of the application", "/app/run", true},
		{"change the application's code", "put /app/code.py", false},
		{"remove the application's code", "rm -f /app/code.py", false},
		{"replace the application's code", "sh -c 'echo x >/app/n && mv -f /app/n /app/code.py'", false},
		{"move the application's directory away", "mv /app/static /app/away", false},
		{"add to the application", "put /app/new.log", true},
		{"add below the application", "put /app/static/new", true},
		{"run what was added to the application", "sh -c 'cp /app/run /app/new && /app/new'", false},
		{"add to a cache of an application elsewhere", "put /opt/tool/cache/new", true},
		{"change what the cache came with", "put /opt/tool/cache/old", false},
		{"change an application elsewhere", "put /opt/tool/code", false},
		{"add to an application elsewhere", "put /opt/tool/new", false},
		{"write to /etc", "put /etc/new", false},
		{"write to /usr", "put /usr/new", false},
		{"write to /", "put /new", false},
		{"run what was written to /tmp", "sh -c 'cp /app/run /tmp/new && /tmp/new'", false},
		{"give a file away, in vain", "chown 1:1 /app/new.log", true},
		{"give another's file away, in vain", "chown 1:1 /etc/passwd", true},
		{"change the mode of another's file", "chmod 666 /app/code.py", false},
	}
	for _, c := range checks {
		b.WriteString("can \"" + c.what + "\" " + c.cmd + "\n")
	}
	b.WriteString("echo \"owners: $(stat -c %u /app/code.py /app/new.log | tr '\\n' ' ')\"; id -u\n")
	for _, rt := range bed.Runtimes(t) {
		t.Run(rt.Name, func(t *testing.T) {
			s := bed.DockerSpec(t)
			s.Process.Args = []string{"/bin/sh", "-c", b.String()}
			s.Process.Cwd = "/app"
			bed.Use(t, rt)
			r := bed.NewContainer(t, bed.Shim(t), rt, root, s).RunToEnd()
			for _, c := range checks {
				answer := map[bool]string{true: "yes", false: "no"}[c.want]
				if !strings.Contains(r.Stdout, c.what+": "+answer+"\n") {
					t.Errorf("%s: want %s", c.what, answer)
				}
			}
			lines := strings.Fields(r.Stdout)
			if len(lines) < 3 || lines[len(lines)-3] != "0" || lines[len(lines)-2] != lines[len(lines)-1] {
				t.Errorf("the owners are not root and the container's user")
			}
			if t.Failed() {
				t.Logf("%v", r)
			}
		})
	}
}
