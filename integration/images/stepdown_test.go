// SPDX-License-Identifier: Apache-2.0

package images

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

// TestStepDown holds what a change of user comes to, both ways: to a name of the
// image's it succeeds and is no lie, to another's number it fails, and no groups
// are lost or won by it.
func TestStepDown(t *testing.T) {
	root := bed.Rootfs(t)
	bed.MustRun(t, "install", "-m", "0755", bed.Build(t, "./integration/images/stepdown"), filepath.Join(root, "bin/stepdown"))
	for name, text := range map[string]string{
		"passwd": "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n",
		"group":  "root:x:0:\ntty:x:5:\napp:x:1000:\ndata:x:2000:app\n",
	} {
		if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const script = `
me=$(id -u)
can() { what=$1; shift; if "$@" >/dev/null 2>&1; then echo "$what: yes"; else echo "$what: no"; fi; }
echo "named: $(id -un) $(id -u app) $(id -u root)" | sed "s/$me/me/g"
can "to a name" stepdown app true
can "to root's name" stepdown root true
can "to a name and a group" stepdown app:app true
can "to a number" stepdown 1000:1000 true
can "to root by number" stepdown 0:0 true
can "to su" su app -c true
echo "as: $(stepdown app id -u)" | sed "s/$me/me/"
echo "as root: $(stepdown root id -u)" | sed "s/$me/me/"
echo "groups: $(id -G | sed "s/$me/me/g")"
echo "groups after: $(stepdown app id -G | sed "s/$me/me/g")"
echo "root's file: $(stat -c %U /etc)"
echo "own file: $(touch /tmp/f; chown app /tmp/f; stat -c %u /tmp/f)" | sed "s/$me/me/"
`
	want := `named: runclad me me
to a name: yes
to root's name: yes
to a name and a group: yes
to a number: no
to root by number: no
to su: no
as: me
as root: me
groups: me 2000
groups after: me 2000
root's file: root
own file: me
`
	for _, rt := range bed.Runtimes(t) {
		t.Run(rt.Name, func(t *testing.T) {
			s := bed.DockerSpec(t)
			s.Process.Args = []string{"/bin/sh", "-c", script}
			s.Process.User.AdditionalGids = []uint32{0, 27, 2000}
			bed.Use(t, rt)
			r := bed.NewContainer(t, bed.Shim(t), rt, root, s).RunToEnd()
			if r.Stdout != want {
				t.Errorf("%v\ngot\n%s\nwant\n%s", r, r.Stdout, want)
			}
		})
	}
}
