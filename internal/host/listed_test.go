// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/runclad/runclad/internal/policy"
)

// TestListed: what the profile lists is made writable, but for what would undo
// the rest and what cannot be.
func TestListed(t *testing.T) {
	root := image(t, "app/data/file", "srv/empty/", "link -> /app/data", "etc/passwd", "usr/lib/x/", "mnt/", "out -> ../../etc")
	p := policy.Default().Profile()
	p.Writable = []string{"/app/data", "/srv/empty", "/new/dir", "/link", "/etc/passwd", "/usr/lib/x", "/etc", "/", "/mnt/below", "/tmp", "/tmp/x"}
	got, notes := listFor(t, root, User{UID: 1234}, `{"mounts":[{"destination":"/mnt","type":"tmpfs"}]}`, p)
	for _, want := range []string{"/app/data listed", "/srv/empty listed empty", "/new/dir listed empty", "/tmp scratch empty"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	for _, p := range got {
		if strings.HasPrefix(p, "/etc") || strings.HasPrefix(p, "/usr") || strings.HasPrefix(p, "/mnt") || strings.HasPrefix(p, "/link") || strings.HasPrefix(p, "/ ") {
			t.Errorf("%q is made writable", p)
		}
	}
	for i, want := range []string{"/etc/passwd", "/usr/lib/x", "/etc", "/", "/mnt/below"} {
		if i >= len(notes) || !strings.HasPrefix(notes[i], want+" is listed in writable and is not made so: ") {
			t.Errorf("no note of %s in %q", want, notes)
		}
	}
	if len(notes) != 5 {
		t.Errorf("notes %q", notes)
	}
}

// TestExecPlaces: what lies at or below a path that the profile names can be
// executed as a whole; elsewhere the image's own programs alone can.
func TestExecPlaces(t *testing.T) {
	root := image(t, "srv/a/", "srv/b/", "tmp/")
	for _, dir := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(root, "srv", dir, "run"), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		exec []string
		want []string
	}{
		{nil, []string{"/srv/a listed", "/srv/a/run runs", "/srv/b listed", "/srv/b/run runs", "/tmp scratch empty"}},
		{[]string{"/srv/a", "/tmp"}, []string{"/srv/a listed exec", "/srv/b listed", "/srv/b/run runs", "/tmp scratch empty exec"}},
		{[]string{"/srv"}, []string{"/srv/a listed exec", "/srv/b listed exec", "/tmp scratch empty"}},
		{[]string{"/"}, []string{"/srv/a listed exec", "/srv/b listed exec", "/tmp scratch empty exec"}},
	} {
		p := policy.Default().Profile()
		p.Writable, p.Exec = []string{"/srv/a", "/srv/b"}, tc.exec
		got, _ := listFor(t, root, User{UID: 1234}, "", p)
		got = slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, "/run ") || strings.HasPrefix(s, "/var") })
		if !slices.Equal(got, tc.want) {
			t.Errorf("exec = %q: %q, want %q", tc.exec, got, tc.want)
		}
	}
}

// TestGatherSparesWork: nothing is looked for that the profile has no use for.
func TestGatherSparesWork(t *testing.T) {
	root := image(t, "tmp/", "etc/passwd", "etc/group")
	doc := parse(t, `{"ociVersion":"1.0.2","root":{"path":"`+root+`"}}`)
	for _, tc := range []struct {
		identity  string
		writable  bool
		places    bool
		mountable bool
	}{
		{policy.IdentityRandom, false, true, true},
		{policy.IdentityRandom, true, false, true},
		{policy.IdentityImage, false, true, false},
		{policy.IdentityImage, true, false, false},
	} {
		p := policy.Default().Profile()
		p.Identity, p.WritableRootfs = tc.identity, tc.writable
		f, err := Gather("/nowhere", doc, p)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Places) > 0 != tc.places || f.PasswdMountable != tc.mountable || f.GroupMountable != tc.mountable {
			t.Errorf("%+v: %+v", tc, f)
		}
	}
}
