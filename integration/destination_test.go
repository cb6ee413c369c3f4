// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/integration/bed"
)

// TestLinkInVolume: a link in one volume does not have another mounted where the
// runtime sets the container up, whatever the runtime itself would do.
func TestLinkInVolume(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		root := bed.Rootfs(t)
		for _, to := range []string{"/proc/self/attr", "/proc/sys", "/dev", "../etc"} {
			volume, other := bed.Dir(t, "volume"), bed.Dir(t, "other")
			if err := os.Symlink(to, filepath.Join(volume, "link")); err != nil {
				t.Fatal(err)
			}
			s := specFor(t, "", "cat", "/proc/self/mountinfo")
			s.Mounts = append(s.Mounts,
				specs.Mount{Destination: "/v", Type: "bind", Source: volume, Options: []string{"rbind"}},
				specs.Mount{Destination: "/v/link", Type: "bind", Source: other, Options: []string{"rbind"}})
			c := bed.NewContainer(t, bed.Shim(t), rt, root, s)
			if r := c.RunToEnd(); r.Code != 1 || !strings.Contains(r.Stderr, "leads away") {
				t.Errorf("%s: %v", to, r)
			}
		}
	})
}

// TestCgroupInUse: a container does not get the cgroup of another, whose end would
// be the other's.
func TestCgroupInUse(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		root := bed.Rootfs(t)
		s := specFor(t, "", "sleep", "300")
		c := bed.NewContainer(t, bed.Shim(t), rt, root, s)
		c.Up()
		theirs := s.Linux.CgroupsPath
		d := bed.NewContainer(t, bed.Shim(t), rt, root, s)
		s.Linux.CgroupsPath = theirs
		d.SetSpec(s)
		if r := d.RunToEnd(); r.Code != 1 || !strings.Contains(r.Stderr, "runclad refused") {
			t.Errorf("%v", r)
		}
		if got := c.State(); got != "running" {
			t.Errorf("the other container is %q", got)
		}
	})
}
