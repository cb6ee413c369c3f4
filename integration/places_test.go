// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/integration/bed"
)

// TestPlacesOfImages: what images need can be written to or executed, and what
// lies beside it cannot.
func TestPlacesOfImages(t *testing.T) {
	for _, tt := range []struct {
		name       string
		make       func(t *testing.T, root string)
		user       specs.User
		cwd        string
		works, not string
	}{
		{
			name: "root's configuration that everybody may write to", // clickhouse's on Alpine
			make: func(t *testing.T, root string) {
				give(t, root, 0, 0o777, "etc/server", "etc/server/users.d")
				give(t, root, 0, 0o755, "etc/other")
			},
			works: "echo x >/etc/server/config.xml && echo x >/etc/server/users.d/default-user.xml && rm /etc/server/config.xml",
			not:   "echo x >/etc/other/x || echo x >/etc/x",
		},
		{
			name: "a directory of the user's in /usr", // Confluent's Kafka
			make: func(t *testing.T, root string) {
				give(t, root, 1000, 0o755, "usr/logs")
				give(t, root, 0, 0o755, "usr/other")
			},
			user:  specs.User{UID: 1000, GID: 1000},
			works: "echo x >/usr/bin/../logs/kafkaServer-gc.log",
			not:   "echo x >/usr/x || echo x >/usr/other/x || echo x >/usr/bin/x",
		},
		{
			name: "programs behind many files", // opensearch's security plugin
			make: func(t *testing.T, root string) {
				for i := range 30 {
					for j := range 50 {
						bed.Write(t, filepath.Join(root, fmt.Sprintf("srv/app/plugins/p%d/%d.jar", i, j)), "x")
					}
				}
				for i := range 200 {
					bed.Write(t, filepath.Join(root, fmt.Sprintf("srv/app/data/%d", i)), "x")
				}
				give(t, root, 1000, 0o755, "srv/app", "srv/app/data", "srv/app/plugins/p7/tools")
				tool := filepath.Join(root, "srv/app/plugins/p7/tools/hash.sh")
				bed.Write(t, tool, "#!/bin/sh\nexit 0\n")
				if err := os.Chmod(tool, 0o755); err != nil {
					t.Fatal(err)
				}
			},
			user:  specs.User{UID: 1000, GID: 1000},
			cwd:   "/srv/app",
			works: "plugins/p7/tools/hash.sh && echo x >data/x",
			not:   "echo x >plugins/p7/tools/hash.sh || { cp /bin/busybox data/true && data/true; }",
		},
		{
			name: "a library unpacked to /tmp", // cassandra's
			make: func(t *testing.T, root string) {
				bed.Write(t, filepath.Join(root, "opt/cassandra/bin/cassandra"), "#!/bin/sh\n")
			},
			works: "cp /bin/busybox /tmp/true && /tmp/true",
			not:   "cp /bin/busybox /run/true && /run/true",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
				run := func(binary, script string) bed.Result {
					root := bed.Rootfs(t)
					tt.make(t, root)
					s := specFor(t, "", "sh", "-c", script)
					s.Process.User = tt.user
					if tt.cwd != "" {
						s.Process.Cwd = tt.cwd
					}
					return bed.NewContainer(t, binary, rt, root, s).RunToEnd()
				}
				if r := run(rt.Path, tt.works); r.Code != 0 {
					t.Errorf("without runclad: %v", r)
				}
				if r := run(bed.Shim(t), tt.works); r.Code != 0 {
					t.Errorf("with runclad: %v", r)
				}
				if r := run(bed.Shim(t), tt.not); r.Code == 0 {
					t.Errorf("%s succeeds: %v", tt.not, r)
				}
			})
		})
	}
}

// give makes directories of an image with an owner and a mode.
func give(t *testing.T, root string, uid int, mode os.FileMode, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		p := filepath.Join(root, dir)
		if err := os.MkdirAll(p, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(p, uid, uid); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
	}
}
