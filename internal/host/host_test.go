// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
)

func parse(t *testing.T, in string) *spec.Document {
	t.Helper()
	doc, err := spec.ParseSpec([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// image makes a rootfs. An entry is "dir/", "link -> target", "fifo|" or "file".
func image(t *testing.T, entries ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, e := range entries {
		var err error
		name, target, isLink := strings.Cut(e, " -> ")
		p := filepath.Join(root, strings.TrimRight(name, "/|"))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		switch {
		case isLink:
			err = os.Symlink(target, p)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(p, 0o755)
		case strings.HasSuffix(name, "|"):
			err = unix.Mkfifo(p, 0o644)
		default:
			err = os.WriteFile(p, []byte("x\n"), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func gather(t *testing.T, root, more string) (*Facts, *spec.Document, error) {
	t.Helper()
	doc := parse(t, fmt.Sprintf(`{"ociVersion":"1.0.2","root":{"path":%q}%s}`, root, more))
	f, err := Gather("/nowhere", doc, policy.Default().Profile())
	return f, doc, err
}

// TestPlaces: whatever an image makes of the usual directories, a tmpfs goes to
// one of them inside the image, or nowhere.
// The usual scratch places alone; those that the image has are in places_test.go.
func TestUsualPlaces(t *testing.T) {
	for name, tc := range map[string]struct {
		image  []string
		mounts string
		want   string
	}{
		"usual":                {[]string{"tmp/", "var/tmp/", "run/", "var/run -> /run"}, "", "/tmp /var/tmp /run"},
		"empty image":          {nil, "", "/tmp /var/tmp /run /var/run"},
		"relative link":        {[]string{"tmp/", "run/", "var/run -> ../run", "var/tmp -> ../tmp"}, "", "/tmp /run"},
		"link to another":      {[]string{"var/tmp/", "tmp -> /var/tmp", "run/"}, "", "/var/tmp /run /var/run"},
		"out by dots":          {[]string{"etc/", "run -> ../../../../etc", "tmp -> ../../../../../../root"}, "", "/var/tmp /var/run"},
		"absolute host path":   {[]string{"tmp -> /etc", "etc/", "run -> /home", "home/"}, "", "/var/tmp /var/run"},
		"chain":                {[]string{"tmp -> a", "a -> b", "b -> /../run", "run/"}, "", "/run /var/tmp /var/run"},
		"loop":                 {[]string{"tmp -> a", "a -> tmp", "run -> run"}, "", "/var/tmp /var/run"},
		"file":                 {[]string{"tmp", "run/"}, "", "/var/tmp /run /var/run"},
		"fifo":                 {[]string{"tmp|", "run|"}, "", "/var/tmp /var/run"},
		"below a file":         {[]string{"var"}, "", "/tmp /run"},
		"dangling to usual":    {[]string{"var/run -> /run"}, "", "/tmp /var/tmp /run"},
		"dangling elsewhere":   {[]string{"tmp -> /srv/none", "run -> none"}, "", "/var/tmp /var/run"},
		"var leads out":        {[]string{"var -> ../../../../../var", "tmp/"}, "", "/tmp /run"},
		"engine mounts it":     {[]string{"tmp/", "run/"}, `{"destination":"/tmp"},{"destination":"/run/"}`, "/var/tmp /var/run"},
		"mounted by its link":  {[]string{"run/", "var/run -> /run"}, `{"destination":"/var/run"}`, "/tmp /var/tmp"},
		"mounted above":        {[]string{"tmp/", "run/"}, `{"destination":"/var"}`, "/tmp /run"},
		"mounted below":        {[]string{"tmp/", "run/"}, `{"destination":"/run/secrets"},{"destination":"/tmpx"}`, "/tmp /var/tmp /run /var/run"},
		"mounted in disguise":  {[]string{"x -> /tmp", "tmp/", "run/"}, `{"destination":"//x/./"}`, "/var/tmp /run /var/run"},
		"magic link":           {[]string{"tmp -> /proc/self/root/etc", "proc/"}, "", "/var/tmp /run /var/run"},
		"a name in the middle": {[]string{"var -> /srv", "srv/run/", "srv/tmp/"}, "", "/tmp /run"},
	} {
		t.Run(name, func(t *testing.T) {
			f, _, err := gather(t, image(t, tc.image...), `,"mounts":[`+tc.mounts+`]`)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range f.Places {
				if p.Why != Scratch && p.Why != Run {
					continue
				}
				got = append(got, p.Path)
				if shared := strings.HasSuffix(p.Path, "tmp"); (p.Why == Scratch) != shared {
					// A place is shared by the name under which it was asked for.
					if name != "chain" {
						t.Errorf("%s is %s", p.Path, p.Why)
					}
				}
			}
			want := strings.Fields(tc.want)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("places %q, want %q", got, tc.want)
			}
		})
	}
}

// TestDestinations: the place that is judged is the one the kernel would find
// inside the rootfs.
func TestDestinations(t *testing.T) {
	root := image(t, "proc/", "etc/hosts", "run/", "a -> /etc", "up -> ../../..", "var/run -> ../run", "p -> /proc", "gone -> /new/place", "loop -> loop")
	for given, want := range map[string]string{
		"/etc/hosts":             "/etc/hosts",
		"//etc/./hosts":          "/etc/hosts",
		"etc/hosts":              "/etc/hosts",
		"/a/hosts":               "/etc/hosts",
		"/up":                    "/",
		"/up/etc/hosts":          "/etc/hosts",
		"/up/up/proc":            "/proc",
		"/p":                     "/proc",
		"/var/run/docker.sock":   "/run/docker.sock",
		"/gone":                  "/new/place",
		"/gone/below":            "/new/place/below",
		"/loop":                  "/loop", // the runtime says what is wrong
		"/not/there/yet":         "/not/there/yet",
		"/":                      "/",
		"":                       "/",
		"/../../etc/hosts":       "/etc/hosts",
		"/etc/hosts/impossible":  "/etc/hosts/impossible",
		"/up/../up/../etc/hosts": "/etc/hosts",
	} {
		f, doc, err := gather(t, root, fmt.Sprintf(`,"mounts":[{"destination":%q}]`, given))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Destinations[doc.Get("mounts").Elems()[0]]; got != want {
			t.Errorf("%s: ends at %s, want %s", given, got, want)
		}
	}
}

func TestMountable(t *testing.T) {
	for name, tc := range map[string]struct {
		image  []string
		mounts string
		want   bool
	}{
		"file":              {[]string{"etc/passwd"}, "", true},
		"missing":           {[]string{"etc/"}, "", true},
		"no etc":            {nil, "", true},
		"directory":         {[]string{"etc/passwd/"}, "", false},
		"link to host file": {[]string{"etc/passwd -> /etc/shadow"}, "", true}, // inside the image, and missing there
		"loop":              {[]string{"etc/passwd -> passwd"}, "", false},
		"fifo":              {[]string{"etc/passwd|"}, "", true}, // can be mounted over
		"etc is a volume":   {[]string{"etc/passwd"}, `{"destination":"/etc"}`, false},
		"etc is mounted by its link": {
			[]string{"etc -> conf", "conf/passwd"}, `{"destination":"/conf"}`, false,
		},
		"bound itself": {[]string{"etc/passwd"}, `{"destination":"/etc/passwd"}`, true},
	} {
		f, _, err := gather(t, image(t, tc.image...), `,"mounts":[`+tc.mounts+`]`)
		if err != nil {
			t.Fatal(err)
		}
		if f.PasswdMountable != tc.want {
			t.Errorf("%s: %v, want %v", name, f.PasswdMountable, tc.want)
		}
	}
	root := image(t, "etc/group")
	mount(t, root, root, "", unix.MS_BIND)
	mount(t, "", root, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY)
	f, _, err := gather(t, root, "")
	if err != nil {
		t.Fatal(err)
	}
	if f.PasswdMountable || !f.GroupMountable {
		t.Errorf("on a read-only rootfs: missing passwd %v, present group %v", f.PasswdMountable, f.GroupMountable)
	}
}

func mount(t *testing.T, source, target, fstype string, flags uintptr) {
	t.Helper()
	if err := unix.Mount(source, target, fstype, flags, ""); err != nil {
		t.Fatalf("mount %s on %s: %v", source, target, err)
	}
	t.Cleanup(func() { _ = unix.Unmount(target, unix.MNT_DETACH) })
}

// TestSources: where a bind leads is said by the kernel, whatever its name.
func TestSources(t *testing.T) {
	dir := t.TempDir()
	bundle := filepath.Join(dir, "bundle")
	for _, d := range []string{"bundle/data", "hidden", "deep/er"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	link := func(name, to string) string {
		p := filepath.Join(dir, name)
		if err := os.Symlink(to, p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	mount(t, "/etc", filepath.Join(dir, "hidden"), "", unix.MS_BIND)
	if err := unix.Mknod(filepath.Join(dir, "null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	up := strings.Repeat("../", strings.Count(bundle, "/"))
	for given, want := range map[string]Source{
		"/etc/passwd":                     {Path: "/etc/passwd", Mode: unix.S_IFREG},
		"/etc":                            {Path: "/etc", Mode: unix.S_IFDIR, Alias: "/etc"},
		"/etc/../etc/.":                   {Path: "/etc", Mode: unix.S_IFDIR, Alias: "/etc"},
		link("a", "/etc"):                 {Path: "/etc", Mode: unix.S_IFDIR, Alias: "/etc"},
		link("b", "a/passwd"):             {Path: "/etc/passwd", Mode: unix.S_IFREG},
		link("c", "deep/er/../../b"):      {Path: "/etc/passwd", Mode: unix.S_IFREG},
		"/proc/self/root/etc":             {Path: "/etc", Mode: unix.S_IFDIR, Alias: "/etc"},
		"/proc/1/root/etc/passwd":         {Path: "/etc/passwd", Mode: unix.S_IFREG},
		link("m", "/proc/self/cwd/"):      {Path: cwd(t), Mode: unix.S_IFDIR},
		filepath.Join(dir, "hidden"):      {Path: filepath.Join(dir, "hidden"), Mode: unix.S_IFDIR, Alias: "/etc", Also: []string{"/etc"}},
		link("h", "hidden"):               {Path: filepath.Join(dir, "hidden"), Mode: unix.S_IFDIR, Alias: "/etc", Also: []string{"/etc"}},
		filepath.Join(dir, "null"):        {Path: filepath.Join(dir, "null"), Mode: unix.S_IFCHR},
		filepath.Join(dir, "fifo"):        {Path: filepath.Join(dir, "fifo"), Mode: unix.S_IFIFO}, // and does not hang
		"data":                            {Path: filepath.Join(bundle, "data"), Mode: unix.S_IFDIR},
		"./data/../data":                  {Path: filepath.Join(bundle, "data"), Mode: unix.S_IFDIR},
		up + "etc":                        {Path: "/etc", Mode: unix.S_IFDIR, Alias: "/etc"},
		"":                                {Path: bundle, Mode: unix.S_IFDIR},
		"/not/there":                      {Path: "/not/there"},
		"missing/here":                    {Path: filepath.Join(bundle, "missing/here")},
		link("l", "l"):                    {Path: filepath.Join(dir, "l")}, // a loop
		"/etc/passwd/below":               {Path: "/etc/passwd/below"},
		"/":                               {Path: "/", Mode: unix.S_IFDIR, Alias: "/"},
		link("r", "../../../../../../.."): {Path: "/", Mode: unix.S_IFDIR, Alias: "/"},
	} {
		for _, form := range []string{`"type":"bind"`, `"type":"none","options":["rbind"]`, `"options":["ro","bind"]`} {
			doc := parse(t, fmt.Sprintf(`{"ociVersion":"1.0.2","mounts":[{"destination":"/x","source":%q,%s}]}`, given, form))
			all, err := sources(bundle, doc)
			got := all[doc.Get("mounts").Elems()[0]]
			got.dev, got.ino = 0, 0
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v (%v), want %+v", given, got, err, want)
			}
		}
	}
	doc := parse(t, `{"ociVersion":"1.0.2","mounts":[{"destination":"/x","source":"/etc","type":"tmpfs","options":["ro"]}]}`)
	if got, err := sources(bundle, doc); err != nil || len(got) != 0 {
		t.Errorf("a tmpfs has the source %v (%v)", got, err)
	}
}

// TestSourceOpen: what is opened again is what was judged, or nothing.
func TestSourceOpen(t *testing.T) {
	dir := t.TempDir()
	vol, away := filepath.Join(dir, "up/vol"), filepath.Join(dir, "away")
	doc := parse(t, fmt.Sprintf(`{"ociVersion":"1.0.2","mounts":[{"destination":"/x","source":%q,"type":"bind"}]}`, vol))
	judged := func() Source {
		t.Helper()
		all, err := sources("/", doc)
		if err != nil {
			t.Fatal(err)
		}
		return all[doc.Get("mounts").Elems()[0]]
	}
	opens := func(s Source) bool {
		fd, err := s.Open()
		if err == nil {
			_ = unix.Close(fd)
		}
		return err == nil
	}
	do := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	missing := judged()
	if do(os.MkdirAll(vol, 0o755)); opens(missing) {
		t.Error("what was not there was not judged")
	}
	src := judged()
	if !opens(src) {
		t.Error("it cannot be opened again")
	}
	if do(os.Rename(vol, away), os.Symlink(away, vol)); opens(src) {
		t.Error("a link is followed, to the very directory")
	}
	if do(os.Remove(vol), os.Mkdir(vol, 0o755)); opens(src) {
		t.Error("another directory is taken for the one that was judged")
	}
	if do(os.Remove(vol), os.Rename(away, vol), os.Rename(filepath.Dir(vol), away), os.Symlink(away, filepath.Dir(vol))); opens(src) {
		t.Error("a link on the way is followed")
	}
}

// TestDestinationsInMounts: what another mount hides of the image says nothing
// about where a mount ends up, and links that lead out of what it shows are known.
func TestDestinationsInMounts(t *testing.T) {
	dir := t.TempDir()
	root, volume := filepath.Join(dir, "rootfs"), filepath.Join(dir, "volume")
	for _, d := range []string{root + "/v", root + "/dev", volume + "/real/deep"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		root + "/to-v": "/v", root + "/v/real": "/dev", root + "/v/image": "/dev", volume + "/link": "/proc/self/attr", volume + "/real/up": "..", volume + "/real/out": "../..", volume + "/real/file": "deep",
	} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	r, err := openRootfs(root)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for given, want := range map[string][2]string{
		"/v/link":        {"/v/link", "/v"},
		"/v/link/below":  {"/v/link/below", "/v"},
		"/to-v/link":     {"/v/link", "/v"},
		"/v/real/out/x":  {"/v/real/out/x", "/v"},
		"/v/real/up/new": {"/v/real/up/new", ""},
		"/v/real/file":   {"/v/real/file", ""},
		"/v/real":        {"/v/real", ""},
		"/v/image":       {"/v/image", ""},
		"/v/real/new":    {"/v/real/new", ""},
		"/to-v":          {"/v", ""},
		"/w/x":           {"/w/x", ""},
	} {
		doc := parse(t, fmt.Sprintf(`{"ociVersion":"1.0.2","mounts":[{"destination":"/v","source":%q,"type":"bind"},{"destination":"/w","type":"tmpfs"},{"destination":%q,"type":"tmpfs"}]}`, volume, given))
		all, err := sources("/", doc)
		if err != nil {
			t.Fatal(err)
		}
		dests, through := r.destinations(doc, all)
		m := doc.Get("mounts").Elems()[2]
		if got := [2]string{dests[m], through[m]}; got != want {
			t.Errorf("%s: %q, want %q", given, got, want)
		}
	}
}

// TestOtherNames: a volume that is a bind of a place of the host is known for
// what it is, by whatever way it is reached.
func TestOtherNames(t *testing.T) {
	dir := t.TempDir()
	volume := filepath.Join(dir, "volumes/v/_data")
	data := filepath.Join(dir, "data")
	for _, d := range []string{volume, filepath.Join(data, "below"), "/etc/cron.d/below"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	also := func(source string) []string {
		t.Helper()
		doc := parse(t, fmt.Sprintf(`{"ociVersion":"1.0.2","mounts":[{"destination":"/x","source":%q,"type":"bind"}]}`, source))
		all, err := sources("/", doc)
		if err != nil {
			t.Fatal(err)
		}
		return all[doc.Get("mounts").Elems()[0]].Also
	}
	if got := also(volume); len(got) != 0 {
		t.Errorf("a plain volume is also %q", got)
	}
	mount(t, "/etc/cron.d", volume, "", unix.MS_BIND)
	for source, want := range map[string]string{volume: "/etc/cron.d", volume + "/below": "/etc/cron.d/below", volume + "/../_data": "/etc/cron.d"} {
		if got := also(source); !slices.Contains(got, want) {
			t.Errorf("%s is also %q, want %s", source, got, want)
		}
	}
	mount(t, data, volume, "", unix.MS_BIND) // over it
	if got := also(volume + "/below"); !slices.Contains(got, filepath.Join(data, "below")) || slices.Contains(got, "/etc/cron.d/below") {
		t.Errorf("also %q", got)
	}
	mount(t, "tmpfs", volume, "tmpfs", 0) // as the kubelet's secrets
	if got := also(volume); len(got) != 0 {
		t.Errorf("a tmpfs of its own is also %q", got)
	}
	spaced := filepath.Join(dir, "a b")
	if err := os.Mkdir(spaced, 0o755); err != nil {
		t.Fatal(err)
	}
	mount(t, spaced, volume, "", unix.MS_BIND)
	if got := also(volume); !slices.Contains(got, spaced) {
		t.Errorf("also %q, want %q", got, spaced)
	}
}

func TestAncestor(t *testing.T) {
	for p, want := range map[string]string{"/": "/", "/a": "/a", "/a/b/c": "/a/b/c", "/a/b/c/d/e": "/a/b/c"} {
		if got := ancestor(p, 3); got != want {
			t.Errorf("%s: %s, want %s", p, got, want)
		}
	}
}

func cwd(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRootfs(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/", filepath.Join(dir, "slash")); err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{"/": "/", filepath.Join(dir, "slash"): "/", "/etc": "/etc", dir: ""} {
		f, _, err := gather(t, given, "")
		if err != nil || f.RootfsAlias != want {
			t.Errorf("%s: alias %q (%v), want %q", given, f.RootfsAlias, err, want)
		}
	}
	for _, given := range []string{"", "/not/there", "/etc/passwd", "relative"} {
		if _, _, err := gather(t, given, ""); err == nil {
			t.Errorf("rootfs %q: no error", given)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "rootfs"), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := Gather(dir, parse(t, `{"ociVersion":"1.0.2","root":{"path":"rootfs"}}`), policy.Default().Profile())
	if err != nil || f.Rootfs != filepath.Join(dir, "rootfs") {
		t.Errorf("relative to the bundle: %v %+v", err, f)
	}
}

// TestNamespaces: whose a namespace is, is told by its inode.
func TestNamespaces(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{}
	for _, typ := range []string{"net", "ipc", "uts", "pid", "mnt", "user", "cgroup"} {
		files[typ] = filepath.Join(dir, typ)
		if err := os.WriteFile(files[typ], nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mount(t, "/proc/self/ns/net", files["net"], "", unix.MS_BIND) // as Docker's /var/run/docker/netns/default
	foreign := bed.NetNS(t)
	link := filepath.Join(dir, "link")
	if err := os.Symlink(files["net"], link); err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]NamespaceOwner{
		`{"type":"network"}`:                                           Own,
		`{"type":"network","path":""}`:                                 Own,
		fmt.Sprintf(`{"type":"network","path":%q}`, files["net"]):      Host,
		fmt.Sprintf(`{"type":"network","path":%q}`, link):              Host,
		fmt.Sprintf(`{"type":"network","path":%q}`, foreign):           Joined,
		`{"type":"network","path":"/proc/1/ns/net"}`:                   Host,
		`{"type":"network","path":"/run/runclad/container/c/1/netns"}`: Own, // of a spec that was hardened before
		`{"type":"pid","path":"/proc/self/ns/pid"}`:                    Host,
		`{"type":"mount","path":"/proc/self/ns/mnt"}`:                  Host,
		`{"type":"user","path":"/proc/thread-self/ns/user"}`:           Host,
		`{"type":"uts","path":"/proc/self/ns/uts"}`:                    Host,
		`{"type":"time","path":"/proc/self/ns/time"}`:                  Host,
		`{"type":"ipc","path":"/proc/self/ns/net"}`:                    Joined, // of another type: setns(2) will fail
	} {
		doc := parse(t, `{"ociVersion":"1.0.2","linux":{"namespaces":[`+in+`]}}`)
		got, err := namespaces(doc)
		typ := doc.Get("linux", "namespaces").Elems()[0].Get("type").Str()
		if err != nil || got[typ].Owner != want {
			t.Errorf("%s: %+v (%v), want %v", in, got, err, want)
		}
	}
	for _, in := range []string{
		`{"type":"network"},{"type":"network"}`,
		`{"type":"Network"}`, `{"type":"net"}`, `{"type":""}`, `{"path":"/proc/self/ns/net"}`, `{"type":"../net"}`,
		`{"type":"network","path":"/not/there"}`,
		`{"type":"network","path":"/run/runclad/container/c/1/other"}`, `{"type":"network","path":"/x/run/runclad/container/c/1/netns"}`,
		`{"type":"ipc","path":"/run/runclad/container/c/1/netns"}`,
	} {
		if _, err := namespaces(parse(t, `{"ociVersion":"1.0.2","linux":{"namespaces":[`+in+`]}}`)); err == nil {
			t.Errorf("%s: accepted", in)
		}
	}
	if got, err := namespaces(parse(t, `{"ociVersion":"1.0.2"}`)); err != nil || got["network"].Owner != Host {
		t.Errorf("nothing said: %+v (%v)", got, err)
	}
}

func TestDevices(t *testing.T) {
	dir := t.TempDir()
	disk := filepath.Join(dir, "disk")
	if err := unix.Mknod(disk, unix.S_IFBLK|0o600, int(unix.Mkdev(259, 300))); err != nil {
		t.Fatal(err)
	}
	by := filepath.Join(dir, "by-name")
	if err := os.Symlink("disk", by); err != nil {
		t.Fatal(err)
	}
	got := Devices([]string{"/dev/null", disk, by, "/not/there", "/etc/passwd", "/etc"})
	want := []Device{{"c", 1, 3}, {"b", 259, 300}, {"b", 259, 300}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
