// SPDX-License-Identifier: Apache-2.0

package images

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
)

// canary is what a hostile container writes wherever it can; none of it may be
// found on the host.
const canary = "canary-of-a-container"

// intrude writes the canary everywhere, follows what looks like a link to the
// host, and says who it is.
const intrude = `
for d in / /tmp /var/tmp /run /var/run /var/lib /var/log /var/cache /data /app /app/x /etc /root /home /srv/* /proc /proc/1/root /opt /usr/local/x; do
	echo x >"$d/` + canary + `"
	mkdir "$d/` + canary + `.d"
done 2>/dev/null
echo "` + canary + `:x:0:0::/:/bin/sh" >>/etc/passwd
chmod 4755 /tmp/* /run/* 2>/dev/null
id -u
`

// TestHostile runs images that were made to lead the shim or the runtime astray.
func TestHostile(t *testing.T) {
	rt := bed.DebianRunc(t)
	bed.Use(t, rt)
	for _, tt := range []struct {
		name  string
		image func(root string) error
		spec  func(s *specs.Spec)
		// refused: it may not start; either: plain runc refuses it too. All
		// others have to run.
		refused, either bool
	}{
		{name: "nothing odd", image: func(string) error { return nil }},
		{name: "/tmp is a link to the host's /etc", image: link("tmp", "../../../../../../../../etc")},
		{name: "/tmp is an absolute link to /etc", image: link("tmp", "/etc")},
		{name: "/run is a link up", image: link("run", "../../../../run")},
		{name: "/var/run is a link to /proc/1/root/run", image: link("var/run", "/proc/1/root/run")},
		{name: "/var/tmp is a link to itself", image: link("var/tmp", "/var/tmp")},
		{name: "two links in a loop", image: both(link("tmp", "/run"), link("run", "/tmp"))},
		{name: "/etc/passwd is a link to the host's", image: link("etc/passwd", "../../../../../../../../etc/passwd")},
		// Nothing can be mounted over the device, and the runtime reads it to the
		// end of its buffer when it looks for the user's home.
		{name: "/etc/passwd is a link to a device", image: link("etc/passwd", "/dev/zero"), either: true},
		{name: "/etc/passwd is a FIFO", image: fifo("etc/passwd")},
		{name: "/etc/group is a directory", image: dir("etc/group"), either: true},
		{name: "/etc is a link to the host's", image: link("etc", "/../../../../etc")},
		{name: "/tmp is a FIFO", image: fifo("tmp")},
		{name: "/tmp is a file", image: file("tmp", "x")},
		{name: "a huge passwd", image: file("etc/passwd", strings.Repeat("a:x:1:1::/:/bin/sh\n", 1<<18))},
		{name: "a passwd without line ends", image: file("etc/passwd", strings.Repeat("a", 1<<20)), either: true},
		{name: "a passwd of NULs", image: file("etc/passwd", strings.Repeat("\x00", 4096))},
		{name: "a passwd whose every name is root's", image: file("etc/passwd", strings.Repeat("root:x:0:0::/:/bin/sh\n", 4000))},
		{name: "a passwd in which root is another", image: file("etc/passwd", "root:x:1000:1000::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n")},
		{name: "a user named by an escape sequence", image: file("etc/passwd", "\x1b[31m:x:1000:1000::/:/bin/sh\n"), spec: user(1000)},
		{name: "a user named like an option", image: file("etc/passwd", "-rf:x:1000:1000::/:/bin/sh\n"), spec: user(1000)},
		{name: "a user whose home is the host's", image: file("etc/passwd", "app:x:1000:1000::/../../../etc:/bin/sh\n"), spec: user(1000)},
		{name: "a group of everybody", image: file("etc/group", "root:x:0:"+strings.Repeat("u,", 200000)+"\n")},
		{name: "names that are no UTF-8", image: func(root string) error {
			for _, n := range []string{"srv/\xff\xfe", "srv/a\nb", "srv/\x1b[31m", "srv/" + strings.Repeat("n", 250)} {
				if err := os.MkdirAll(filepath.Join(root, n), 0o755); err != nil {
					return err
				}
				if err := os.Chown(filepath.Join(root, n), 999, 999); err != nil {
					return err
				}
			}
			return nil
		}},
		{name: "names with commas and colons, as overlayfs options", image: func(root string) error {
			d := filepath.Join(root, "srv/a,b:c=d,upperdir=e")
			if err := os.MkdirAll(d, 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(d+"/x", nil, 0o644); err != nil {
				return err
			}
			return os.Chown(d, 999, 999)
		}},
		{name: "a service's directory is a link to /etc", image: both(link("data", "/etc"), link("var/lib/x", "../../../../../../etc"))},
		{name: "WORKDIR through a link out of the image", image: link("app", "../../../../../../../etc"), spec: cwd("/app")},
		{name: "WORKDIR through a link in the image", image: both(dir("srv/real"), link("app", "/srv/real")), spec: cwd("/app")},
		{name: "WORKDIR is /proc/self/cwd", spec: cwd("/proc/self/cwd"), image: func(string) error { return nil }},
		{name: "WORKDIR is /etc", spec: cwd("/etc"), image: func(string) error { return nil }},
		{name: "programs that are links and FIFOs", spec: cwd("/app"), image: both(
			both(dir("app/bin"), link("app/bin/sh", "../../../../../../../bin/sh")),
			both(fifo("app/bin/p"), link("app/lib", "../../../../../../usr/lib")))},
		{name: "a deep tree", spec: cwd("/app"), image: dir("app/" + strings.Repeat("d/", 400))},
		{name: "a thousand directories of services", image: func(root string) error {
			for i := range 1000 {
				d := filepath.Join(root, fmt.Sprintf("srv/%d", i))
				if err := os.MkdirAll(d, 0o755); err != nil {
					return err
				}
				if err := os.Chown(d, 999, 999); err != nil {
					return err
				}
			}
			return nil
		}},
		{name: "VOLUME /proc", image: func(string) error { return nil }, spec: volume("/proc"), refused: true},
		{name: "VOLUME /etc", image: func(string) error { return nil }, spec: volume("/etc")},
		{name: "VOLUME at a link out of the image", image: link("data", "../../../../../../../etc"), spec: volume("/data")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := bed.Rootfs(t)
			if err := tt.image(root); err != nil {
				t.Fatal(err)
			}
			s := bed.DockerSpec(t)
			s.Process.Args = []string{"/bin/sh", "-c", intrude}
			if tt.spec != nil {
				tt.spec(s)
				for i, m := range s.Mounts {
					if m.Source == volumeSource {
						s.Mounts[i].Source = bed.Dir(t, "volume")
					}
				}
			}
			before, err := os.ReadFile("/etc/passwd")
			if err != nil {
				t.Fatal(err)
			}
			c := bed.NewContainer(t, bed.Shim(t), rt, root, s)
			r := c.RunToEnd()
			after, err := os.ReadFile("/etc/passwd")
			if err != nil || string(after) != string(before) {
				t.Errorf("the host's passwd was changed (%v)", err)
			}
			for _, dir := range []string{"/", "/etc", "/tmp", "/var/tmp", "/run", "/var/lib", "/var/log", "/var/cache", "/root", "/home", "/srv", "/opt", os.TempDir()} {
				for _, name := range []string{canary, canary + ".d"} {
					if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
						t.Errorf("it wrote %s of the host", filepath.Join(dir, name))
						os.RemoveAll(filepath.Join(dir, name))
					}
				}
			}
			uid := strings.TrimSpace(r.Stdout)
			log, _ := os.ReadFile(c.Log())
			switch {
			case r.Code == 0 && (len(uid) < 5 || tt.refused):
				t.Errorf("it runs as %q", uid)
			case r.Code != 0 && !tt.refused && !tt.either:
				t.Errorf("it does not run: %v\n%s", r, log)
			case strings.Contains(string(log), "panic") || strings.Contains(r.Stderr, "goroutine "):
				t.Errorf("a panic: %v\n%s", r, log)
			}
			if r.Code != 0 {
				t.Logf("refused: %s", log)
			}
		})
	}
}

// volumeSource stands for a folder that the test makes.
const volumeSource = "the test's own"

func volume(at string) func(*specs.Spec) {
	return func(s *specs.Spec) {
		s.Mounts = append(s.Mounts, specs.Mount{Destination: at, Type: "bind", Source: volumeSource, Options: []string{"rbind", "rw"}})
	}
}

func user(uid uint32) func(*specs.Spec) {
	return func(s *specs.Spec) { s.Process.User.UID, s.Process.User.GID = uid, uid }
}

func cwd(dir string) func(*specs.Spec) { return func(s *specs.Spec) { s.Process.Cwd = dir } }

func link(at, to string) func(string) error {
	return func(root string) error {
		p := filepath.Join(root, at)
		if err := os.RemoveAll(p); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return err
		}
		return os.Symlink(to, p)
	}
}

func fifo(at string) func(string) error {
	return func(root string) error {
		p := filepath.Join(root, at)
		if err := os.RemoveAll(p); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return err
		}
		return unix.Mkfifo(p, 0o644)
	}
}

func file(at, text string) func(string) error {
	return func(root string) error {
		p := filepath.Join(root, at)
		if err := os.RemoveAll(p); err != nil {
			return err
		}
		return os.WriteFile(p, []byte(text), 0o644)
	}
}

func dir(at string) func(string) error {
	return func(root string) error {
		p := filepath.Join(root, at)
		if st, err := os.Lstat(p); err == nil && !st.IsDir() {
			if err := os.Remove(p); err != nil {
				return err
			}
		}
		return os.MkdirAll(p, 0o755)
	}
}

func both(a, b func(string) error) func(string) error {
	return func(root string) error {
		if err := a(root); err != nil {
			return err
		}
		return b(root)
	}
}
