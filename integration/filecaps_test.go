// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
)

// bindService is what `setcap cap_net_bind_service=+ep` writes (struct
// vfs_cap_data of revision 2, with the effective flag).
const bindService = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// withFileCaps is a rootfs with the probe as /usr/bin/caddy, which demands
// CAP_NET_BIND_SERVICE.
func withFileCaps(t *testing.T) string {
	t.Helper()
	root := bed.Rootfs(t)
	program := filepath.Join(root, "usr/bin/caddy")
	bed.MustRun(t, "cp", filepath.Join(root, "probe"), program)
	if err := unix.Setxattr(program, "security.capability", []byte(bindService), 0); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestFileCapabilities: a program whose file demands a capability that the
// container does not have starts without it, whoever calls it, and with an exec
// too. Plain runc refuses to start it.
func TestFileCapabilities(t *testing.T) {
	bed.Metadata(t)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		root := withFileCaps(t)
		plain := specFor(t, "", "caddy")
		plain.Process.Capabilities.Bounding, plain.Process.Capabilities.Permitted, plain.Process.Capabilities.Effective = nil, nil, nil
		plain.Process.Capabilities.Inheritable = nil
		if r := bed.NewContainer(t, rt.Path, rt, root, plain).RunToEnd(); r.Code == 0 || !strings.Contains(strings.ToLower(r.Stderr), "operation not permitted") {
			t.Errorf("without runclad and without capabilities: %v", r)
		}
		for _, args := range [][]string{{"caddy"}, {"/usr/bin/caddy"}, {"sh", "-c", "exec caddy"}} {
			r := bed.NewContainer(t, bed.Shim(t), rt, root, specFor(t, bed.NetNS(t), args...)).RunToEnd()
			hardened(t, bed.Report(t, r))
			if want := "/usr/bin/caddy starts without CAP_NET_BIND_SERVICE, which its file demands"; !strings.Contains(notes(t), want) {
				t.Errorf("no %q in %s", want, notes(t))
			}
		}
		c := bed.NewContainer(t, bed.Shim(t), rt, root, specFor(t, bed.NetNS(t), "sh", "-c", "sleep 300; caddy"))
		c.Up()
		hardened(t, bed.Report(t, c.Exec(nil, "caddy")))
	})
}

// TestFileCapabilitiesOfRootInUserns: a user namespace alone does not help, as
// file capabilities of the initial one hold in it too (rootid_owns_currentns,
// security/commoncap.c).
func TestFileCapabilitiesOfRootInUserns(t *testing.T) {
	bed.Policy(t, rootInUserns)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		root := withFileCaps(t)
		hardenedRoot(t, bed.Report(t, bed.NewContainer(t, bed.Shim(t), rt, root, specFor(t, "", "caddy")).RunToEnd()))
	})
}

// TestFileCapabilitiesThatAreGiven: where the policy gives what the file
// demands, nothing is mounted over it.
func TestFileCapabilitiesThatAreGiven(t *testing.T) {
	bed.Policy(t, `capabilities = ["NET_BIND_SERVICE"]`)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		root := withFileCaps(t)
		c := bed.NewContainer(t, bed.Shim(t), rt, root, specFor(t, "", "caddy"))
		if r := bed.Report(t, c.RunToEnd()); r.Caps["Bnd"] != "0000000000000400" {
			t.Errorf("bounding set %s", r.Caps["Bnd"])
		}
		if strings.Contains(string(c.Config()), "/usr/bin/caddy") {
			t.Error("something is mounted over the program")
		}
	})
}
