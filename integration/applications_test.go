// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

// TestPlacesOfApplications runs what entrypoints of applications do in images
// whose working directory, packages or configuration are not simply one user's.
func TestPlacesOfApplications(t *testing.T) {
	const tool = "#!/bin/sh\necho it runs\n"
	packages := func(t *testing.T, dir string) {
		for i := range 300 {
			for _, name := range []string{"package.json", "index.js", "lib/a.js"} {
				put(t, fmt.Sprintf("%s/p%03d/%s", dir, i, name), 0o644, "")
			}
		}
	}
	for _, tt := range []struct {
		name   string
		setup  func(t *testing.T, root string)
		uid    uint32
		cwd    string
		script string
		want   string
		closed string // a file that stays as the image has it
	}{
		{
			name: "drupal", cwd: "/opt/drupal",
			setup: func(t *testing.T, root string) {
				put(t, root+"/opt/drupal/web/index.php", 0o644, "code")
				put(t, root+"/opt/drupal/web/sites/default/default.settings.php", 0o644, "x")
				own(t, root+"/opt/drupal/web/sites", 33)
			},
			script: "cd web/sites/default; mkdir files; cp default.settings.php settings.php; rm default.settings.php; cat settings.php",
			want:   "x", closed: "/opt/drupal/web/index.php",
		},
		{
			name: "laravel as its user", uid: 33, cwd: "/var/www/html",
			setup: func(t *testing.T, root string) {
				put(t, root+"/var/www/html/app/Kernel.php", 0o644, "code")
				put(t, root+"/var/www/html/bootstrap/cache/packages.php", 0o644, "x")
				put(t, root+"/var/www/html/storage/logs/log", 0o644, "x")
				own(t, root+"/var/www/html/bootstrap/cache", 33)
				own(t, root+"/var/www/html/storage", 33)
			},
			script: "echo y >bootstrap/cache/packages.php; echo z >storage/logs/log; if echo n >app/new; then exit 3; fi; cat bootstrap/cache/* storage/logs/*",
			want:   "y\nz", closed: "/var/www/html/app/Kernel.php",
		},
		{
			name: "pgadmin", uid: 5050, cwd: "/pgadmin4",
			setup: func(t *testing.T, root string) {
				put(t, root+"/pgadmin4/config.py", 0o644, "code")
				put(t, root+"/pgadmin4/config_distro.py", 0o664, "")
				own(t, root+"/pgadmin4/config_distro.py", 5050)
			},
			script: "echo X=1 >config_distro.py; cat config_distro.py", want: "X=1", closed: "/pgadmin4/config.py",
		},
		{
			name: "jetty", uid: 999, cwd: "/tmp",
			setup: func(t *testing.T, root string) {
				put(t, root+"/tmp/jetty/x", 0o644, "")
				own(t, root+"/tmp/jetty", 999)
				put(t, root+"/var/lib/jetty/app", 0o644, "code")
			},
			script: "echo made >jetty/y; cat jetty/y", want: "made", closed: "/var/lib/jetty/app",
		},
		{
			name: "apache, configured by a script", cwd: "/",
			setup: func(t *testing.T, root string) {
				put(t, root+"/usr/sbin/apache2", 0o755, tool)
				put(t, root+"/etc/apache2/ports.conf", 0o644, "Listen 80\n")
			},
			script: "sed -i s/80/8080/ /etc/apache2/ports.conf; cat /etc/apache2/ports.conf", want: "Listen 8080", closed: "/etc/passwd",
		},
		{
			name: "a program beside a cache in the home", cwd: "/app",
			setup: func(t *testing.T, root string) {
				packages(t, root+"/root/.npm/_cacache")
				put(t, root+"/app/server", 0o755, tool)
			},
			script: "./server; echo x >log", want: "it runs", closed: "/app/server",
		},
		{
			name: "node_modules of the user's", uid: 1000, cwd: "/usr/src/app",
			setup: func(t *testing.T, root string) {
				packages(t, root+"/usr/src/app/node_modules")
				put(t, root+"/usr/src/app/node_modules/zz/cli.js", 0o755, tool)
				own(t, root+"/usr/src/app/node_modules", 1000)
			},
			script: "node_modules/zz/cli.js", want: "it runs", closed: "/usr/src/app/node_modules/zz/cli.js",
		},
		{
			name: "gems where everybody may install", uid: 1000, cwd: "/tmp",
			setup: func(t *testing.T, root string) {
				put(t, root+"/usr/local/bundle/ruby/3.3.0/gems/x/lib/x/3.3/x.so", 0o755, tool)
				if err := os.Chmod(root+"/usr/local/bundle", 0o777|os.ModeSticky); err != nil {
					t.Fatal(err)
				}
			},
			script: "/usr/local/bundle/ruby/3.3.0/gems/x/lib/x/3.3/x.so", want: "it runs", closed: "/usr/local/bundle/ruby/3.3.0/gems/x/lib/x/3.3/x.so",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
				root := bed.Rootfs(t)
				tt.setup(t, root)
				run := func(binary, script string) bed.Result {
					s := specFor(t, "", "sh", "-ec", script)
					s.Process.User.UID, s.Process.User.GID = tt.uid, tt.uid
					s.Process.Cwd = tt.cwd
					return bed.NewContainer(t, binary, rt, root, s).RunToEnd()
				}
				if r := run(bed.Shim(t), tt.script); r.Code != 0 || strings.TrimSpace(r.Stdout) != tt.want {
					t.Errorf("under runclad: %v, want %q", r, tt.want)
				}
				if r := run(bed.Shim(t), "echo changed >>"+tt.closed); r.Code == 0 {
					t.Errorf("%s can be changed", tt.closed)
				}
				if r := run(rt.Path, tt.script); r.Code != 0 || strings.TrimSpace(r.Stdout) != tt.want {
					t.Errorf("the control: %v, want %q", r, tt.want)
				}
			})
		})
	}
}

// put writes a file of an image, and makes the directories above it.
func put(t *testing.T, p string, mode os.FileMode, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// own makes a user the owner of a file or directory and of all in it.
func own(t *testing.T, top string, uid int) {
	t.Helper()
	err := filepath.WalkDir(top, func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, uid, uid)
	})
	if err != nil {
		t.Fatal(err)
	}
}
