// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

// TestSharedDirectories has what the images of languages have: golang's /go,
// ruby's empty home of gems and rust's of cargo are root's, everybody may write
// to them, and their tools do, in a working directory that is another. What is
// in such a directory can still be executed and not be replaced; one with a whole
// application in it stays as the image has it.
func TestSharedDirectories(t *testing.T) {
	const script = "set -e; mkdir /go/pkg /go/src/new /usr/local/bundle/gems /usr/local/cargo/registry; " +
		"/usr/local/cargo/bin/tool; ! rm -f /usr/local/cargo/bin/tool 2>&-; " +
		"cp /usr/local/cargo/bin/tool /go/pkg; ! /go/pkg/tool 2>&-; " +
		"/opt/app/5/tool; ! touch /opt/app/new 2>&-; exec /probe"
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		root := bed.Rootfs(t, "go/src", "go/bin", "usr/local/bundle", "usr/local/cargo/bin", "opt/app", "src")
		tools := []string{"usr/local/cargo/bin/tool"}
		for i := range 40 {
			tools = append(tools, filepath.Join("opt/app", strconv.Itoa(i), "tool"))
		}
		for _, f := range tools {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(root, f)), 0o755); err != nil {
				t.Fatal(err)
			}
			bed.Write(t, filepath.Join(root, f), "#!/bin/sh\necho ran\n")
			if err := os.Chmod(filepath.Join(root, f), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for _, d := range []string{"go", "go/src", "go/bin", "usr/local/bundle", "usr/local/cargo", "opt/app"} {
			if err := os.Chmod(filepath.Join(root, d), 0o777|os.ModeSticky); err != nil {
				t.Fatal(err)
			}
		}
		s := specFor(t, "", "sh", "-c", script)
		s.Process.Cwd = "/src"
		r := bed.NewContainer(t, bed.Shim(t), rt, root, s).RunToEnd()
		if rest, ok := strings.CutPrefix(r.Stdout, "ran\nran\n"); ok {
			r.Stdout = rest
		} else {
			t.Errorf("the image's own programs: %v", r)
		}
		hardened(t, bed.Report(t, r))
	})
}

// TestCrontabs: busybox's crond obeys a crontab only if it sees it as root's. The
// rest of /var/spool is the container's user's.
func TestCrontabs(t *testing.T) {
	const crontab = "var/spool/cron/crontabs/www-data"
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		root := bed.Rootfs(t, filepath.Dir(crontab))
		bed.Write(t, filepath.Join(root, "usr/bin/busybox"), "")
		bed.Write(t, filepath.Join(root, crontab), "* * * * * true\n")
		if err := os.Chmod(filepath.Join(root, crontab), 0o644); err != nil {
			t.Fatal(err)
		}
		s := specFor(t, "", "sh", "-c", "stat -c %u /"+crontab+"; ! echo x 2>&- >>/"+crontab+" && touch /var/spool/new && cat /"+crontab)
		if r := bed.NewContainer(t, bed.Shim(t), rt, root, s).RunToEnd(); r.Code != 0 || r.Stdout != "0\n* * * * * true\n" {
			t.Error(r)
		}
	})
}
