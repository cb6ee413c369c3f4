// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
)

// TestMountsThatComeLater: what is mounted in a volume after the container has
// started reaches it where it asked for that (mountPropagation: HostToContainer),
// and does not where it did not; what it asked for besides is shared with nobody.
func TestMountsThatComeLater(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		vol := bed.Dir(t, "volume")
		mountFor(t, "tmpfs", vol, "mode=0755,uid=1000,gid=1000")
		if err := unix.Mount("", vol, "", unix.MS_SHARED, ""); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(vol, "later"), 0o755); err != nil {
			t.Fatal(err)
		}
		root := bed.Rootfs(t, "follows", "private")
		s := specFor(t, "", "sleep", "300")
		s.Linux.RootfsPropagation = "rslave"
		for dest, propagation := range map[string]string{"/follows": "rshared", "/private": "rprivate"} {
			s.Mounts = append(s.Mounts, specs.Mount{Destination: dest, Type: "bind", Source: vol, Options: []string{"rbind", propagation}})
		}
		c := bed.NewContainer(t, bed.Shim(t), rt, root, s)
		c.Up()
		mountFor(t, "tmpfs", filepath.Join(vol, "later"), "")
		bed.Write(t, filepath.Join(vol, "later/file"), "seen\n")
		bed.Eventually(t, 10*time.Second, func() error { return failure(c.Exec(nil, "cat", "/follows/later/file")) })
		if r := c.Exec(nil, "sh", "-c", "echo x >/follows/mine && ! cat /private/later/file"); r.Code != 0 {
			t.Error(r)
		}
		c.Must("delete", "--force", c.ID)
	})
}
