// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/runclad/runclad/internal/identity"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
)

func TestIDs(t *testing.T) {
	ids := IDs{
		UIDs: []identity.Mapping{{Inside: 0, Host: 300000, Size: 1000}, {Inside: 5000, Host: 1000, Size: 1}},
		GIDs: []identity.Mapping{{Inside: 0, Host: 400000, Size: 6000}},
	}
	for _, c := range []struct {
		host, inside [2]uint32
		ok           bool
	}{
		{[2]uint32{300000, 400000}, [2]uint32{0, 0}, true},
		{[2]uint32{300999, 400998}, [2]uint32{999, 998}, true},
		{[2]uint32{1000, 405999}, [2]uint32{5000, 5999}, true},
		{[2]uint32{0, 400000}, [2]uint32{}, false},
		{[2]uint32{300000, 0}, [2]uint32{}, false},
		{[2]uint32{301000, 400000}, [2]uint32{}, false},
	} {
		if u, g, ok := ids.Inside(c.host[0], c.host[1]); ok != c.ok || ok && (u != c.inside[0] || g != c.inside[1]) {
			t.Errorf("%v is %d:%d inside (%v), want %v", c.host, u, g, ok, c.inside)
		}
		if !c.ok {
			continue
		}
		if u, g, ok := ids.Host(c.inside[0], c.inside[1]); !ok || u != c.host[0] || g != c.host[1] {
			t.Errorf("%v is %d:%d on the host (%v), want %v", c.inside, u, g, ok, c.host)
		}
	}
	if u, g, ok := (IDs{}).Inside(7, 8); !ok || u != 7 || g != 8 {
		t.Errorf("without a namespace 7:8 is %d:%d (%v)", u, g, ok)
	}
	if _, _, ok := ids.Host(1000, 0); ok {
		t.Error("an ID beyond the mapping has one on the host")
	}
}

// TestPlacesOfAUserNamespace: what is a service's is told by the container's
// IDs; what is nobody's in it is no place.
func TestPlacesOfAUserNamespace(t *testing.T) {
	root := filepath.Join(t.TempDir(), "rootfs")
	for dir, uid := range map[string]int{"": 300000, "srv": 300000, "srv/service": 300999, "srv/hosts": 1000, "srv/root": 300000} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(root, dir), uid, uid); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := spec.ParseSpec([]byte(`{"ociVersion":"1.0.2","root":{"path":"` + root + `"},"process":{"args":["x"],"cwd":"/","user":{"uid":0,"gid":0}},
"linux":{"namespaces":[{"type":"user"},{"type":"mount"}],"uidMappings":[{"containerID":0,"hostID":300000,"size":65536}],
"gidMappings":[{"containerID":0,"hostID":300000,"size":65536}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Gather(filepath.Dir(root), doc, policy.Default().Profile())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Place{}
	for _, p := range f.Places {
		found[p.Path] = p
	}
	if p := found["/srv/service"]; p.UID != 999 || p.GID != 999 || p.Why != Service {
		t.Errorf("/srv/service: %+v", p)
	}
	for _, p := range []string{"/srv/hosts", "/srv/root"} {
		if _, ok := found[p]; ok {
			t.Errorf("%s is a place", p)
		}
	}
}
