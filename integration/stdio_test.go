// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
)

// TestNullIsTheHosts: a container whose streams are the host's /dev/null, as
// those of a detached one are, neither gets it nor can change it, and can use it.
func TestNullIsTheHosts(t *testing.T) {
	var before unix.Stat_t
	if err := unix.Stat("/dev/null", &before); err != nil {
		t.Fatal(err)
	}
	// The container tries; what it changes is a device of its own, or nothing.
	const program = `chmod 600 /proc/self/fd/0; chown $(id -u) /proc/self/fd/0; cat && echo eof`
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, "", "sh", "-c", "("+program+") > /tmp/out 2>&1; exec sleep 300"))
		c.Up()
		bed.Eventually(t, 20*time.Second, func() error { return failure(c.Exec(nil, "grep", "eof", "/tmp/out")) })
		if r := c.Exec(nil, "sh", "-c", program); !strings.Contains(r.Stdout, "eof") {
			t.Errorf("exec: %v", r)
		}
		var after unix.Stat_t
		if err := unix.Stat("/dev/null", &after); err != nil {
			t.Fatal(err)
		}
		if after.Uid != before.Uid || after.Gid != before.Gid || after.Mode != before.Mode {
			t.Errorf("the host's /dev/null is %d:%d %o, and was %d:%d %o", after.Uid, after.Gid, after.Mode, before.Uid, before.Gid, before.Mode)
			_ = unix.Chown("/dev/null", int(before.Uid), int(before.Gid))
			_ = unix.Chmod("/dev/null", before.Mode&0o7777)
		}
	})
}
