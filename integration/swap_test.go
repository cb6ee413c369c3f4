// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
)

// TestSwappedSource: a directory in a volume is bound into a container, and a
// process that has the volume too puts a link to a closed place of the host there
// and takes it away again, all the time. The container sees the directory or does
// not start, whenever that happens.
func TestSwappedSource(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		root := bed.Rootfs(t)
		for _, volumes := range []string{"map", "keep"} {
			bed.Policy(t, `volumes = "`+volumes+`"`)
			own := swapping(t)
			seen := 0
			for range 10 {
				s := specFor(t, "", "sh", "-c", "test -e /y/own && test -f /z && echo own; ls /y; cat /z")
				s.Mounts = append(s.Mounts,
					specs.Mount{Destination: "/y", Type: "bind", Source: own, Options: []string{"rbind"}},
					specs.Mount{Destination: "/z", Type: "bind", Source: filepath.Join(own, "file"), Options: []string{"rbind"}})
				c := bed.NewContainer(t, bed.Shim(t), rt, root, s)
				switch r := c.RunToEnd(); {
				case r.Code == 0 && strings.HasPrefix(r.Stdout, "own\n") && !strings.Contains(r.Stdout, "secret"):
					seen++
				case r.Code == 0, !strings.Contains(r.Stderr, "runclad"):
					t.Fatalf("volumes = %q: %v", volumes, r)
				}
			}
			if seen == 0 {
				t.Logf("volumes = %q: the container never saw its directory", volumes)
			}
		}
	})
}

// swapping returns a directory in whose place a link to one below /root stands
// half of the time, until the test ends.
func swapping(t *testing.T) string {
	t.Helper()
	closed, err := os.MkdirTemp("/root", "bed")
	if err != nil {
		t.Fatal(err)
	}
	volume := bed.Dir(t, "volume")
	own, link := filepath.Join(volume, "own"), filepath.Join(volume, "link")
	err = errors.Join(os.Mkdir(own, 0o755), os.Symlink(closed, link), os.Chmod(closed, 0o755))
	for file, text := range map[string]string{own + "/own": "", own + "/file": "", closed + "/secret": "", closed + "/file": "secret\n"} {
		err = errors.Join(err, os.WriteFile(file, []byte(text), 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, own, unix.AT_FDCWD, link, unix.RENAME_EXCHANGE)
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
		_ = os.RemoveAll(closed)
	})
	return own
}
