// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/integration/report"
)

const rootInUserns = `identity = "root-in-userns"`

// hardenedRoot checks what holds for a process that is root in a user namespace:
// all that [hardened] does, but for the UID.
func hardenedRoot(t *testing.T, r *report.Report) {
	t.Helper()
	if r.UID != 0 || r.EUID != 0 || r.GID != 0 || r.User != "root" || r.Group != "root" {
		t.Errorf("runs as %d:%d (%s:%s), want root", r.UID, r.GID, r.User, r.Group)
	}
	as := *r
	as.UID, as.EUID, as.GID, as.EGID = 20000, 20000, 20000, 20000
	as.Groups = slices.DeleteFunc(slices.Clone(r.Groups), func(g int) bool { return g == 0 }) // its own
	hardened(t, &as)
}

// hostIDs returns the first UID and GID of the host that a container's process
// has, and how many.
func hostIDs(t *testing.T, pid int) (first, size uint32) {
	t.Helper()
	for _, file := range []string{"uid_map", "gid_map"} {
		b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
		if err != nil {
			t.Fatal(err)
		}
		f := strings.Fields(string(b))
		if len(f) != 3 || f[0] != "0" {
			t.Fatalf("%s is %q, want one line from 0 on", file, b)
		}
		n, _ := strconv.ParseUint(f[1], 10, 32)
		m, _ := strconv.ParseUint(f[2], 10, 32)
		if size != 0 && (uint32(n) != first || uint32(m) != size) {
			t.Errorf("uid_map and gid_map differ")
		}
		first, size = uint32(n), uint32(m)
	}
	return first, size
}

func TestRootInUserns(t *testing.T) {
	bed.Metadata(t)
	bed.Policy(t, rootInUserns)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, "", "sleep", "300"))
		if r := c.Create(); r.Code != 0 || r.Output() != "" {
			t.Fatalf("create must succeed and print nothing: %v", r)
		}
		bed.Connect(t, c.Pid())
		c.Must("start", c.ID)
		first, size := hostIDs(t, c.Pid())
		if first < 2001000000 || first%65536 != 0 || size != 65536 {
			t.Errorf("the container has host IDs from %d on, %d of them", first, size)
		}
		for _, exec := range []bed.Result{
			c.Exec(nil, "/probe", "net"),
			c.Exec(func(p *specs.Process) { p.User = specs.User{UID: 7, GID: 7}; p.NoNewPrivileges = false }, "/probe", "net"),
			c.Must("exec", "--user", "5:5", c.ID, "/probe", "net"),
		} {
			r := bed.Report(t, exec)
			hardenedRoot(t, r)
			blocked(t, r)
		}
		var st unix.Stat_t
		if err := unix.Stat("/proc/"+strconv.Itoa(c.Pid()), &st); err != nil || st.Uid != first {
			t.Errorf("on the host the process belongs to %d (%v), want %d", st.Uid, err, first)
		}
		other := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, "", "sleep", "300"))
		other.Up()
		if second, _ := hostIDs(t, other.Pid()); second == first {
			t.Errorf("two containers have the IDs from %d on", first)
		}
	})
}

// TestRootInUsernsOfAPod: a container that joins the network and IPC namespaces
// of another has them with their own /sys and message queues, or is refused by
// name of the runtime that could not exec into it.
func TestRootInUsernsOfAPod(t *testing.T) {
	bed.Metadata(t)
	bed.Policy(t, rootInUserns)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		netns := bed.NetNS(t)
		first := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, "", "sleep", "300"))
		first.Up()
		s := specFor(t, netns, "sh", "-c", "ls /sys/class/net > /tmp/net; cat /proc/sys/net/ipv4/tcp_fin_timeout >> /tmp/net; ls /dev/mqueue && sleep 300")
		s.Linux.Sysctl["net.ipv4.tcp_fin_timeout"] = "33"
		for i := range s.Linux.Namespaces {
			if ns := &s.Linux.Namespaces[i]; ns.Type == specs.IPCNamespace {
				ns.Path = "/proc/" + strconv.Itoa(first.Pid()) + "/ns/ipc"
			}
		}
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), s)
		if rt.Name == "runc-debian" { // 1.1.5
			if r := c.Create(); r.Code == 0 || !strings.Contains(r.Stderr, "runc 1.3 and crun can") {
				t.Errorf("want a refusal: %v", r)
			}
			return
		}
		c.Up()
		var r bed.Result
		bed.Eventually(t, 10*time.Second, func() error {
			r = c.Exec(nil, "sh", "-c", "cat /tmp/net; test -s /tmp/net")
			return failure(r)
		})
		want := bed.MustRun(t, "/usr/sbin/ip", "netns", "exec", filepath.Base(netns), "ls", "/sys/class/net").Stdout
		if r.Stdout != want+"33\n" {
			t.Errorf("the container sees %q, its network has %q", r.Stdout, want)
		}
		exec := bed.Report(t, c.Exec(nil, "/probe", "net"))
		hardenedRoot(t, exec)
		blocked(t, exec)
	})
}

// TestRootInUsernsPlaces: without capabilities root is a user like any other.
// Its places are its own; what the image ships beside its application it can
// neither change nor replace.
func TestRootInUsernsPlaces(t *testing.T) {
	bed.Policy(t, rootInUserns)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		root := bed.Rootfs(t, "srv/data/sub", "app")
		bed.Write(t, filepath.Join(root, "srv/data/file"), "old")
		bed.Write(t, filepath.Join(root, "app/code"), "code")
		for _, f := range []string{"srv/data", "srv/data/sub", "srv/data/file"} {
			if err := os.Chown(filepath.Join(root, f), 999, 998); err != nil {
				t.Fatal(err)
			}
		}
		s := specFor(t, "", "sh", "-c", "set -e; echo x >> /srv/data/file; mkdir /srv/data/sub/new; touch /app/new; "+
			"! echo x 2>&- >> /app/code; ! rm -f /app/code 2>&-; chown 999 /srv/data/file; stat -c %u:%g /srv/data/file /etc /app/code; exec /probe")
		s.Process.Cwd = "/app"
		c := bed.NewContainer(t, bed.Shim(t), rt, root, s)
		r := c.RunToEnd()
		owners, rest, _ := strings.Cut(r.Stdout, "{")
		if owners != "0:0\n0:0\n65534:65534\n" {
			t.Errorf("owners: %q", owners)
		}
		r.Stdout = "{" + rest
		hardenedRoot(t, bed.Report(t, r))
	})
}

// TestRootInUsernsVolumes: root sees itself as owner of what the volume's owner
// has; on disk that stays who it was, and the next container finds it.
func TestRootInUsernsVolumes(t *testing.T) {
	bed.Policy(t, rootInUserns)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		dir := bed.Dir(t, "volumes")
		for name, uid := range map[string]int{"service": 999, "root": 0} {
			if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(filepath.Join(dir, name), uid, uid); err != nil {
				t.Fatal(err)
			}
		}
		for i, script := range []string{
			"touch /service/new /root-owned/new && stat -c %u /service /root-owned /service/new",
			"echo more >> /service/new && echo more >> /root-owned/new && stat -c %u /service /root-owned /service/new; chmod 4755 /service/new 2>&- && echo set",
		} {
			s := specFor(t, "", "sh", "-c", script)
			for name, dest := range map[string]string{"service": "/service", "root": "/root-owned"} {
				s.Mounts = append(s.Mounts, specs.Mount{Destination: dest, Type: "bind", Source: filepath.Join(dir, name), Options: []string{"rbind", "rw"}})
			}
			r := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), s).RunToEnd()
			if r.Stdout != "0\n0\n0\n" {
				t.Errorf("run %d: %v", i, r)
			}
		}
		for file, want := range map[string]uint32{"service/new": 999, "root/new": 0} {
			var st unix.Stat_t
			if err := unix.Stat(filepath.Join(dir, file), &st); err != nil || st.Uid != want || st.Gid != want || st.Mode&0o6000 != 0 {
				t.Errorf("%s belongs to %d:%d with mode %o on disk (%v), want %d", file, st.Uid, st.Gid, st.Mode, err, want)
			}
		}
	})
}

// TestRootInUsernsStepsDown: an entrypoint that gives files away and becomes
// another user does so with the capabilities for it, and not without. The files
// are then its user's in the container and on disk.
func TestRootInUsernsStepsDown(t *testing.T) {
	capabilities := `capabilities = ["CAP_CHOWN", "CAP_SETUID", "CAP_SETGID"]`
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		for _, policy := range [][]string{{rootInUserns}, {rootInUserns, capabilities}} {
			bed.Policy(t, policy...)
			dir := bed.Dir(t, "volume")
			s := specFor(t, "", "sh", "-c", "chown 999:999 /data && exec /probe as 999")
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/data", Type: "bind", Source: dir, Options: []string{"rbind", "rw"}})
			r := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), s).RunToEnd()
			if len(policy) == 1 {
				if r.Code == 0 || !strings.Contains(r.Stderr, "setresgid: operation not permitted") {
					t.Errorf("without capabilities: %v", r)
				}
				continue
			}
			got := bed.Report(t, r)
			if got.UID != 999 || got.GID != 999 || got.Caps["Eff"] != noCapabilities || got.Caps["Prm"] != noCapabilities || got.NoNewPrivs != 1 {
				t.Errorf("after stepping down: %+v", got)
			}
			var st unix.Stat_t
			if err := unix.Stat(dir, &st); err != nil || st.Uid != 999 || st.Gid != 999 {
				t.Errorf("on disk the volume belongs to %d:%d (%v)", st.Uid, st.Gid, err)
			}
		}
	})
}

// shift adds to the owner of all that is in a directory tree, as engines do for
// their own user namespaces.
func shift(t *testing.T, root string, by int) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, _ os.DirEntry, err error) error {
		var st unix.Stat_t
		if err == nil {
			err = unix.Lstat(p, &st)
		}
		if err != nil {
			return err
		}
		return os.Lchown(p, int(st.Uid)+by, int(st.Gid)+by)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// usernsOf starts a process in a user namespace with the given mapping and
// returns the path of the namespace: what containerd does for a pod.
func usernsOf(t *testing.T, ids []syscall.SysProcIDMap) string {
	t.Helper()
	cmd := exec.Command("/usr/bin/sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return "/proc/" + strconv.Itoa(cmd.Process.Pid) + "/ns/user"
}

// TestUserNamespaceOfTheEngine: places and volumes are the container's user's,
// whoever that is, in a namespace that is made for the container and in one that
// it joins; what is nobody's in the namespace is left alone.
func TestUserNamespaceOfTheEngine(t *testing.T) {
	const first = 300000
	for _, c := range []struct {
		policy string
		joined bool
	}{{`identity = "random"`, false}, {`identity = "random"`, true}, {rootInUserns, false}, {rootInUserns, true}} {
		policy := c.policy
		bed.Policy(t, policy)
		eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
			root := bed.Rootfs(t, "srv/data/sub", "app")
			bed.Write(t, filepath.Join(root, "srv/data/file"), "old")
			bed.Write(t, filepath.Join(root, "app/code"), "code")
			bed.Write(t, filepath.Join(root, "var/log/web/access.log"), "old")
			bed.Write(t, filepath.Join(root, "var/log/web/own.log"), "root's")
			if err := os.Chown(filepath.Join(root, "var/log/web/access.log"), 33, 4); err != nil {
				t.Fatal(err)
			}
			dir := bed.Dir(t, "volumes")
			for _, d := range []string{"service", "host"} {
				if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range []string{root + "/srv/data", root + "/srv/data/sub", root + "/srv/data/file", dir + "/service"} {
				if err := os.Chown(f, 999, 998); err != nil {
					t.Fatal(err)
				}
			}
			shift(t, root, first)
			shift(t, dir+"/service", first)
			logs := "echo x >> /var/log/web/access.log; touch /var/log/web/new; "
			if policy != rootInUserns { // whose root's files are
				logs += "! echo x 2>&- >> /var/log/web/own.log; "
			}
			s := specFor(t, "", "sh", "-c", "set -e; me=$(id -u); "+logs+"echo x >> /srv/data/file; mkdir /srv/data/sub/new; touch /app/new; touch /service/new; "+
				"! touch /host/new 2>&-; ! echo x 2>&- >> /app/code; ! rm -f /app/code 2>&-; "+
				"for f in /srv/data /srv/data/file /service /service/new; do test $(stat -c %u $f) = $me; done; test $(stat -c %u /etc) = 0; exec /probe")
			s.Process.Cwd = "/app"
			user := specs.LinuxNamespace{Type: specs.UserNamespace}
			if c.joined {
				user.Path = usernsOf(t, []syscall.SysProcIDMap{{ContainerID: 0, HostID: first, Size: 65536}})
			}
			s.Linux.Namespaces = append(s.Linux.Namespaces, user)
			ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: first, Size: 65536}}
			s.Linux.UIDMappings, s.Linux.GIDMappings = ids, ids
			delete(s.Linux.Sysctl, "net.ipv4.ping_group_range")
			for _, d := range []string{"service", "host"} {
				s.Mounts = append(s.Mounts, specs.Mount{Destination: "/" + d, Type: "bind", Source: filepath.Join(dir, d), Options: []string{"rbind", "rw"}})
			}
			r := bed.Report(t, bed.NewContainer(t, bed.Shim(t), rt, root, s).RunToEnd())
			if policy == rootInUserns {
				hardenedRoot(t, r)
			} else {
				hardened(t, r)
			}
			var st unix.Stat_t
			if err := unix.Stat(dir+"/service/new", &st); err != nil || st.Uid != first+999 || st.Gid != first+998 {
				t.Errorf("on disk the new file belongs to %d:%d (%v)", st.Uid, st.Gid, err)
			}
		})
	}
}

func TestRootInUsernsRun(t *testing.T) {
	bed.Metadata(t)
	bed.Policy(t, rootInUserns)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		for _, netns := range []string{"", bed.NetNS(t)} {
			if netns != "" && rt.Name == "runc-debian" {
				continue // TestRootInUsernsOfAPod
			}
			c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, netns, "/probe", "net"))
			r := bed.Report(t, c.RunToEnd())
			hardenedRoot(t, r)
			if again := c.RunToEnd(); again.Code == 0 || strings.Contains(again.Stdout, "{") {
				t.Errorf("the hardened bundle ran once more: %v", again)
			}
			if netns != "" {
				blocked(t, r)
			}
		}
	})
}
