// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/integration/report"
)

// policyText writes the whole policy. It is removed after the test.
func policyText(t *testing.T, text string) {
	t.Helper()
	bed.Write(t, bed.PolicyFile, text)
	t.Cleanup(func() { _ = os.Remove(bed.PolicyFile) })
}

// rule has what the runtime is called for directly get a profile, which may be
// defined by more lines of the policy.
func rule(t *testing.T, profile string, more ...string) {
	t.Helper()
	policyText(t, strings.Join(more, "\n")+"\n[[rule]]\nname = \"the bed\"\nprofile = \""+profile+"\"\nmatch = { engine = \"direct\" }\n")
}

// capabilities that this machine can give: those of the test itself, which a
// container engine may have cut.
func capabilities(t *testing.T) []string {
	t.Helper()
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		t.Fatal(err)
	}
	names := []string{
		"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
		"NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT",
		"SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE",
		"AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
	}
	var out []string
	for i, name := range names {
		if data[i/32].Permitted&(1<<(i%32)) != 0 {
			out = append(out, "CAP_"+name)
		}
	}
	return out
}

func everyCapability(t *testing.T) *specs.LinuxCapabilities {
	t.Helper()
	all := capabilities(t)
	return &specs.LinuxCapabilities{Bounding: all, Effective: all, Permitted: all}
}

// asks runs a shell command in a container and returns what it printed.
func asks(t *testing.T, c *bed.Container, script string) string {
	t.Helper()
	r := c.Exec(func(p *specs.Process) { p.Capabilities = everyCapability(t) }, "sh", "-c", script)
	if r.Code != 0 {
		t.Errorf("%s: %v", script, r)
	}
	return r.Stdout
}

// baselineCaps is Docker's default without CAP_NET_RAW: what the profile
// baseline leaves of it.
const baselineCaps = "00000000a80405fb"

func TestBaselineProfile(t *testing.T) {
	bed.Metadata(t)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		rule(t, "baseline")
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, bed.NetNS(t), "sleep", "300"))
		c.Up()
		r := bed.Report(t, c.Exec(nil, "/probe", "net"))
		baseline(t, r)
		blocked(t, r)
		asks(t, c, "touch /f && chown 12:34 /f && test $(stat -c %u:%g /f) = 12:34")
		asks(t, c, "cp /probe /tmp/b && /tmp/b >/dev/null")
		asks(t, c, "mknod /null c 1 3 && chroot / true && test $(su -s /bin/sh daemon -c 'id -u') = 1")
		for _, no := range []string{"mount -t tmpfs x /mnt", "mount -t tmpfs x /tmp", "unshare -m true", "hostname x", "echo 1 > /proc/sys/kernel/panic"} {
			if r := c.Exec(func(p *specs.Process) { p.Capabilities = everyCapability(t) }, "sh", "-c", "mkdir -p /mnt; "+no); r.Code == 0 {
				t.Errorf("%s: %v", no, r)
			}
		}
		asUser(t, c)
	})
}

// baseline checks what the profile baseline gives and keeps.
func baseline(t *testing.T, r *report.Report) {
	t.Helper()
	if r.UID != 0 || r.GID != 0 || r.User != "root" {
		t.Errorf("runs as %d:%d (%s)", r.UID, r.GID, r.User)
	}
	for _, d := range []string{"/", "/etc", "/usr", "/root", "/tmp", "/run", "/dev/shm"} {
		if r.Writes[d] != "ok" {
			t.Errorf("write to %s: %s", d, r.Writes[d])
		}
	}
	for set, caps := range map[string]string{"Bnd": baselineCaps, "Prm": baselineCaps, "Eff": baselineCaps, "Inh": noCapabilities, "Amb": noCapabilities} {
		if r.Caps[set] != caps {
			t.Errorf("Cap%s is %s, want %s", set, r.Caps[set], caps)
		}
	}
	if r.NoNewPrivs != 0 || r.Seccomp != 2 {
		t.Errorf("no_new_privs %d, seccomp mode %d", r.NoNewPrivs, r.Seccomp)
	}
	if r.CoreSoft != 0 {
		t.Errorf("RLIMIT_CORE is %d", r.CoreSoft)
	}
}

// asUser: an exec names its user, by process file or by flags, and gets no
// capability that the container was not given.
func asUser(t *testing.T, c *bed.Container) {
	t.Helper()
	all := everyCapability(t)
	all.Inheritable, all.Ambient = all.Bounding, all.Bounding
	r := bed.Report(t, c.Exec(func(p *specs.Process) { p.Capabilities = all }, "/probe"))
	baseline(t, r)
	r = bed.Report(t, c.Exec(func(p *specs.Process) { p.User = specs.User{UID: 1000, GID: 1001, AdditionalGids: []uint32{7}} }, "/probe"))
	if r.UID != 1000 || r.GID != 1001 || !slices.Equal(r.Groups, []int{7}) && !slices.Equal(r.Groups, []int{7, 1001}) {
		t.Errorf("an exec as 1000:1001 and 7 runs as %d:%d and %v", r.UID, r.GID, r.Groups)
	}
	if r.Caps["Eff"] != noCapabilities {
		t.Errorf("a user has %s", r.Caps["Eff"])
	}
	r = bed.Report(t, c.Must("exec", "--user", "7:8", "--cap", "CAP_SYS_ADMIN", c.ID, "/probe"))
	if r.UID != 7 || r.GID != 8 || r.Caps["Bnd"] != baselineCaps {
		t.Errorf("--user 7:8 runs as %d:%d with %v", r.UID, r.GID, r.Caps)
	}
}

// TestBaselineSeccomp: the engine's filter stands, and where there is none the
// generated one bears what root does.
func TestBaselineSeccomp(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		rule(t, "baseline")
		s := specFor(t, "", "sh", "-c", "touch /f && chown 1:2 /f && su -s /bin/sh daemon -c 'id -u' && chroot / id -u && mknod /n c 1 3; exec /probe")
		s.Linux.Seccomp = nil
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), s)
		r := c.RunToEnd()
		out, ok := strings.CutPrefix(r.Stdout, "1\n0\n")
		if !ok {
			t.Fatal(r)
		}
		r.Stdout = out
		baseline(t, bed.Report(t, r))
	})
}

func TestBaselineRefuses(t *testing.T) {
	rt := bed.CurrentRunc(t)
	bed.Use(t, rt)
	rule(t, "baseline")
	for want, change := range map[string]func(*specs.Spec){
		"host_network = true": func(s *specs.Spec) {
			s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.NetworkNamespace })
		},
		"host_pid = true": func(s *specs.Spec) {
			s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.PIDNamespace })
		},
		`host_paths = ["/etc"]`: func(s *specs.Spec) {
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/h", Type: "bind", Source: "/etc", Options: []string{"rbind"}})
		},
		`sysctls = ["kernel.panic"]`: func(s *specs.Spec) { s.Linux.Sysctl = map[string]string{"kernel.panic": "1"} },
	} {
		s := specFor(t, "", "true")
		change(s)
		r := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), s).RunToEnd()
		if r.Code == 0 || !strings.Contains(r.Stderr, want+" under [profile.baseline]") || !strings.Contains(r.Stderr, "(rule the bed, profile baseline)") {
			t.Errorf("%s: %v", want, r)
		}
	}
}

// TestSetUserID: programs of the image that have the bit give what they say,
// where the profile says so and nowhere else.
func TestSetUserID(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		root := bed.Rootfs(t)
		if err := os.Chmod(filepath.Join(root, "probe"), 0o755|os.ModeSetuid); err != nil {
			t.Fatal(err)
		}
		for profile, want := range map[string]int{"baseline": 0, "nnp": 1000} {
			rule(t, profile, "[profile.nnp]", `base = "baseline"`, "new_privileges = false")
			s := specFor(t, "", "/probe")
			s.Process.User = specs.User{UID: 1000, GID: 1000}
			s.Process.NoNewPrivileges = false
			r := bed.Report(t, bed.NewContainer(t, bed.Shim(t), rt, root, s).RunToEnd())
			if r.UID != 1000 || r.EUID != want {
				t.Errorf("%s: UID %d, EUID %d, want %d", profile, r.UID, r.EUID, want)
			}
		}
	})
}

// agent is a spec as Kubernetes sends it for a privileged pod of the node's own
// network, PIDs and IPC, with the mounts that agents have.
func agent(t *testing.T, args ...string) *specs.Spec {
	t.Helper()
	s := specFor(t, "", args...)
	s.Process.Capabilities = everyCapability(t)
	s.Process.NoNewPrivileges = false
	s.Linux.Seccomp, s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = nil, nil, nil
	s.Linux.RootfsPropagation, s.Linux.Sysctl = "rshared", nil
	s.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}
	s.Hostname = ""
	s.Linux.Namespaces = []specs.LinuxNamespace{{Type: specs.MountNamespace}}
	for i, m := range s.Mounts {
		s.Mounts[i].Options = slices.DeleteFunc(m.Options, func(o string) bool { return o == "ro" && (m.Type == "sysfs" || m.Type == "cgroup") })
	}
	s.Mounts = slices.DeleteFunc(s.Mounts, func(m specs.Mount) bool { return m.Type == "mqueue" }) // as runc wants with the host's IPC
	for dest, m := range map[string]specs.Mount{
		"/host":        {Source: "/", Options: []string{"rbind", "rslave"}},
		"/run":         {Source: "/run", Options: []string{"rbind", "rshared"}},
		"/lib/modules": {Source: "/usr/lib", Options: []string{"rbind", "rprivate", "ro"}},
		"/host-dev":    {Source: "/dev", Options: []string{"rbind", "rslave"}},
		"/host-proc":   {Source: "/proc", Options: []string{"rbind", "rslave"}},
	} {
		m.Destination, m.Type = dest, "bind"
		s.Mounts = append(s.Mounts, m)
	}
	return s
}

// TestSystemProfile: an agent of the node does what it is there for.
func TestSystemProfile(t *testing.T) {
	bed.Metadata(t)
	if err := unix.Mount("", "/run", "", unix.MS_SHARED|unix.MS_REC, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Mount("", "/run", "", unix.MS_PRIVATE|unix.MS_REC, "") })
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t, "host", "host-dev", "host-proc", "lib/modules"), agent(t, "sleep", "300"))
		if r := c.Create(); r.Code == 0 {
			t.Fatal("without a rule it is not refused")
		}
		rule(t, "system")
		asked := c.Config()
		c.Up()
		changed(t, asked, c.Config())
		r := bed.Report(t, c.Exec(func(p *specs.Process) { p.Capabilities = everyCapability(t); p.NoNewPrivileges = false }, "/probe", "net"))
		reachedFromNode(t, r)
		if r.UID != 0 || r.Caps["Eff"] != r.Caps["Bnd"] || !strings.HasSuffix(r.Caps["Eff"], "ffffffff") && !strings.HasSuffix(r.Caps["Eff"], "feffffff") {
			t.Errorf("runs as %d with %v", r.UID, r.Caps)
		}
		if r.NoNewPrivs != 0 || r.Writes["/"] != "ok" || r.Writes["/run"] != "ok" {
			t.Errorf("%+v", r)
		}
		mark := fmt.Sprintf("agent-%s", c.ID)
		asks(t, c, "mkdir /run/"+mark+" && mount -t tmpfs x /run/"+mark+" && echo hi > /run/"+mark+"/f")
		// Under V1 the runtime is called in a mount namespace of its own.
		if b, err := os.ReadFile("/run/" + mark + "/f"); !c.V1 && (err != nil || string(b) != "hi\n") {
			t.Errorf("what it mounts does not reach the host: %q, %v", b, err)
		}
		asks(t, c, "umount /run/"+mark+" && rmdir /run/"+mark)
		asks(t, c, "test -d /host/proc && chroot /host /bin/true && echo x > /host-dev/null && test -d /host-proc/1")
		if got := asks(t, c, "readlink /proc/1/ns/pid"); got != readlink(t, "/proc/1/ns/pid") {
			t.Errorf("its PID 1 is in %s", got)
		}
		asks(t, c, "v=$(cat /proc/sys/net/ipv4/ip_default_ttl) && echo $v > /proc/sys/net/ipv4/ip_default_ttl && nsenter -t 1 -n true")
		if got := asks(t, c, "cat /proc/self/status | sed -n 's/^Seccomp:.//p'"); got != "0\n" {
			t.Errorf("seccomp mode %s", got)
		}
	})
}

// reachedFromNode checks that the attempts answer that need no interface of a
// container's.
func reachedFromNode(t *testing.T, r *report.Report) {
	t.Helper()
	delete(r.Reach, "tcp4-device")
	delete(r.Reach, "udp4-pktinfo")
	if len(r.Reach) == 0 {
		t.Error("no attempts")
	}
	reached(t, r)
}

func readlink(t *testing.T, name string) string {
	t.Helper()
	s, err := os.Readlink(name)
	if err != nil {
		t.Fatal(err)
	}
	return s + "\n"
}

// changed: of what an agent asks for nothing is changed but the flags of mounts,
// the ambient sets and the limits.
func changed(t *testing.T, before, after []byte) {
	t.Helper()
	var a, b specs.Spec
	if json.Unmarshal(before, &a) != nil || json.Unmarshal(after, &b) != nil {
		t.Fatal("no specs")
	}
	if len(a.Mounts) != len(b.Mounts) {
		t.Errorf("%d mounts became %d", len(a.Mounts), len(b.Mounts))
	}
	for i := range min(len(a.Mounts), len(b.Mounts)) {
		a.Mounts[i].Options, b.Mounts[i].Options = nil, nil
	}
	a.Process.Capabilities.Inheritable, a.Process.Capabilities.Ambient = []string{}, []string{}
	b.Linux.Resources.Pids = a.Linux.Resources.Pids
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	if !bytes.Equal(x, y) {
		t.Errorf("changed:\n%s\n%s", x, y)
	}
}

// TestSystemSockets: an agent is not given an engine's socket unless the policy
// names it.
func TestSystemSockets(t *testing.T) {
	rt := bed.CurrentRunc(t)
	bed.Use(t, rt)
	dir := bed.RunDir(t, "engine")
	socket := filepath.Join(dir, "containerd.sock")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: socket}); err != nil {
		t.Fatal(err)
	}
	run := func(source string) bed.Result {
		s := agent(t, "ls", "/s")
		s.Mounts = append(s.Mounts, specs.Mount{Destination: "/s", Type: "bind", Source: source, Options: []string{"rbind"}})
		return bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), s).RunToEnd()
	}
	rule(t, "system")
	if r := run(socket); r.Code == 0 || !strings.Contains(r.Stderr, "listed by its own path") {
		t.Errorf("the socket: %v", r)
	}
	if r := run(dir); r.Code != 0 || r.Stdout != "containerd.sock\n" {
		t.Errorf("the directory of the socket, which the profile lists: %v", r)
	}
	rule(t, "system", "[profile.system]", `host_paths = ["/", "`+socket+`"]`)
	if r := run(socket); r.Code != 0 {
		t.Errorf("the socket, listed: %v", r)
	}
}

// TestPrivilegedProfile: the engine's document, byte for byte.
func TestPrivilegedProfile(t *testing.T) {
	bed.Metadata(t)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		rule(t, "privileged")
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, bed.NetNS(t), "sleep", "300"))
		asked := c.Config()
		c.Up()
		if !bytes.Equal(asked, c.Config()) {
			t.Errorf("config.json became %s", c.Config())
		}
		r := bed.Report(t, c.Exec(nil, "/probe", "net"))
		reached(t, r)
		if r.UID != 0 || r.Caps["Eff"] != "00000000a80425fb" || r.Writes["/"] != "ok" {
			t.Errorf("%+v", r)
		}
		lines := auditLines(t)
		for _, l := range lines[len(lines)-2:] {
			if l["decision"] != "exempted" || l["profile"] != "privileged" || l["rule"] != "the bed" {
				t.Errorf("audit line %v", l)
			}
		}
	})
}

// TestStrictProfile: all of the default, and what is of the host cannot be
// written to.
func TestStrictProfile(t *testing.T) {
	bed.Metadata(t)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		rule(t, "strict")
		dir := bed.Dir(t, "data")
		below := filepath.Join(dir, "below")
		if err := os.Mkdir(below, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("tmpfs", below, "tmpfs", 0, "mode=0777"); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Unmount(below, unix.MNT_DETACH) }()
		s := specFor(t, bed.NetNS(t), "sh", "-c", "touch /data/f; touch /data/below/f; ls /data; exec /probe net")
		s.Mounts = append(s.Mounts, specs.Mount{Destination: "/data", Type: "bind", Source: dir, Options: []string{"rbind", "rprivate", "rw"}})
		r := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), s).RunToEnd()
		out, ok := strings.CutPrefix(r.Stdout, "below\n")
		if !ok || strings.Count(r.Stderr, "Read-only file system") != 2 {
			t.Fatal(r)
		}
		r.Stdout = out
		got := bed.Report(t, r)
		hardened(t, got)
		blocked(t, got)

		s = specFor(t, "", "true")
		s.Process.Env = append(s.Process.Env, "DB_PASSWORD=hunter2")
		r = bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), s).RunToEnd()
		if r.Code == 0 || !strings.Contains(r.Stderr, "DB_PASSWORD") || strings.Contains(r.Stderr, "hunter2") {
			t.Errorf("a credential in the environment: %v", r)
		}
	})
}

// TestOwnProfile: keys one by one, in a profile that starts from the default.
func TestOwnProfile(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		run := func(s *specs.Spec, root string, lines ...string) bed.Result {
			t.Helper()
			rule(t, "own", append([]string{"[profile.own]"}, lines...)...)
			r := bed.NewContainer(t, bed.Shim(t), rt, root, s).RunToEnd()
			if r.Code != 0 {
				t.Errorf("%q: %v", lines, r)
			}
			return r
		}
		const where = "cp /probe /tmp/b && /tmp/b >/dev/null && echo tmp; cp /probe /srv/app/b && /srv/app/b >/dev/null && echo app; ls /srv/app; touch /srv/new/f && echo new"
		root := bed.Rootfs(t, "srv/app")
		bed.Write(t, filepath.Join(root, "srv/app/shipped"), "x")
		if r := run(specFor(t, "", "sh", "-c", where+"; true"), root); r.Stdout != "shipped\n" {
			t.Errorf("the default: %q", r.Stdout)
		}
		if r := run(specFor(t, "", "sh", "-c", where+"; true"), root, `writable = ["/srv/app", "/srv/new"]`); r.Stdout != "b\nshipped\nnew\n" {
			t.Errorf("writable: %q, %s", r.Stdout, r.Stderr)
		}
		if r := run(specFor(t, "", "sh", "-c", where+"; true"), root, `writable = ["/srv/app"]`, `exec = ["/srv", "/tmp"]`); r.Stdout != "tmp\napp\nb\nshipped\n" {
			t.Errorf("exec: %q, %s", r.Stdout, r.Stderr)
		}
		if _, err := os.Stat(filepath.Join(root, "srv/app/b")); err == nil {
			t.Error("the image was written to")
		}

		// The image's user, on a root filesystem that stays read-only.
		got := bed.Report(t, run(specFor(t, "", "/probe"), root, `identity = "image"`))
		if got.UID != 0 || got.User != "root" || got.Writes["/etc"] != "EROFS" || got.Writes["/tmp"] != "ok" || got.Caps["Bnd"] != noCapabilities || got.NoNewPrivs != 1 {
			t.Errorf("identity: %+v", got)
		}
		s := specFor(t, "", "/probe")
		s.Process.User = specs.User{UID: 1234, GID: 1235}
		got = bed.Report(t, run(s, root, `identity = "image"`, "writable_rootfs = true"))
		if got.UID != 1234 || got.GID != 1235 || got.Writes["/etc"] != "EACCES" || got.Writes["/tmp"] != "ok" {
			t.Errorf("identity and writable_rootfs: %+v", got)
		}
		got = bed.Report(t, run(specFor(t, "", "/probe"), root, "writable_rootfs = true"))
		unprivileged(t, got)
		if strings.Contains(got.Mounts["/"], "ro,") || got.Writes["/etc"] != "EACCES" {
			t.Errorf("writable_rootfs: / is %s, /etc %s", got.Mounts["/"], got.Writes["/etc"])
		}

		// Capabilities: all that the engine gives, for a user of runclad's.
		got = bed.Report(t, run(specFor(t, "", "/probe"), root, `capabilities = ["ALL"]`))
		if got.UID == 0 || got.Caps["Eff"] != "00000000a80425fb" || got.Caps["Amb"] != got.Caps["Eff"] {
			t.Errorf("capabilities: %d has %v", got.UID, got.Caps)
		}
		if got := bed.Report(t, run(specFor(t, "", "/probe"), root, `seccomp = "unconfined"`)); got.Seccomp != 2 {
			t.Errorf("unconfined, and the engine sends a filter: mode %d", got.Seccomp)
		}
		s = specFor(t, "", "/probe")
		s.Linux.Seccomp = nil
		if got := bed.Report(t, run(s, root, `seccomp = "unconfined"`)); got.Seccomp != 0 {
			t.Errorf("unconfined, and the engine sends none: mode %d", got.Seccomp)
		}

		// /proc and /sys.
		sees := func(lines ...string) string {
			s := specFor(t, "", "sh", "-c", "test -w /proc/sys/kernel/panic; grep -c ' /proc/sys ' /proc/self/mounts; grep -E ' /sys sysfs' /proc/self/mounts | grep -c 'ro,'; true")
			s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = nil, nil
			for i, m := range s.Mounts {
				s.Mounts[i].Options = slices.DeleteFunc(m.Options, func(o string) bool { return o == "ro" && m.Type == "sysfs" })
			}
			return run(s, root, lines...).Stdout
		}
		if got := sees(); got != "1\n1\n" {
			t.Errorf("/proc/sys and /sys by default: %q", got)
		}
		if got := sees("unmasked = true", "writable_kernel_filesystems = true"); got != "0\n0\n" {
			t.Errorf("unmasked, writable: %q", got)
		}

		// Priority, and the host's name.
		s = specFor(t, "", "sh", "-c", "cat /proc/self/oom_score_adj")
		adj := -1
		s.Process.OOMScoreAdj = &adj
		if r := run(s, root); r.Stdout != "0\n" {
			t.Errorf("oom_score_adj by default: %q", r.Stdout)
		}
		s = specFor(t, "", "readlink", "/proc/self/ns/uts")
		s.Hostname = ""
		s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.UTSNamespace })
		if r := run(s, root); r.Stdout == readlink(t, "/proc/self/ns/uts") {
			t.Error("the host's UTS namespace by default")
		}
		if r := run(s, root, "host_uts = true"); r.Stdout != readlink(t, "/proc/self/ns/uts") {
			t.Errorf("host_uts: %q", r.Stdout)
		}

		// A volume: whose it is seen to be.
		dir := bed.Dir(t, "volume")
		if err := os.Chown(dir, 4321, 4321); err != nil {
			t.Fatal(err)
		}
		s = specFor(t, "", "sh", "-c", "stat -c %u /v; id -u")
		s.Mounts = append(s.Mounts, specs.Mount{Destination: "/v", Type: "bind", Source: dir, Options: []string{"rbind"}})
		if f := strings.Fields(run(s, root).Stdout); len(f) != 2 || f[0] != f[1] {
			t.Errorf("a volume by default: %v", f)
		}
		if f := strings.Fields(run(s, root, `volumes = "keep"`).Stdout); len(f) != 2 || f[0] != "4321" {
			t.Errorf(`volumes = "keep": %v`, f)
		}
	})
}

// TestSharedMounts: what a container mounts on a shared bind reaches the host,
// also where its profile would otherwise have the shim mount places for it.
func TestSharedMounts(t *testing.T) {
	dir := bed.RunDir(t, "shared")
	if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	if err := unix.Mount("", dir, "", unix.MS_SHARED, ""); err != nil {
		t.Fatal(err)
	}
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		for shared, want := range map[bool]bool{true: true, false: false} {
			rule(t, "own", "[profile.own]", `identity = "image"`, `capabilities = ["ALL"]`, `seccomp = "unconfined"`,
				`host_paths = ["`+dir+`"]`, fmt.Sprintf("shared_mounts = %t", shared))
			s := specFor(t, "", "sleep", "300")
			s.Process.Capabilities, s.Linux.Seccomp, s.Linux.RootfsPropagation = everyCapability(t), nil, "rshared"
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/s", Type: "bind", Source: dir, Options: []string{"rbind", "rshared"}})
			c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t, "s"), s)
			c.Up()
			asks(t, c, "mount -t tmpfs x /s && echo hi > /s/f")
			_, err := os.Stat(filepath.Join(dir, "f"))
			if got := err == nil; got != want && !c.V1 { // under V1 in a mount namespace of its own
				t.Errorf("shared_mounts = %t: %v", shared, err)
			}
			asks(t, c, "umount /s")
		}
	})
}

// TestCRIProfiles is a node with rules: agents in kube-system, root in legacy,
// everything else hardened.
func TestCRIProfiles(t *testing.T) {
	bed.Metadata(t)
	policyText(t, `
[[rule]]
name = "agents"
profile = "system"
match = { engine = "cri", namespace = "kube-system" }

[[rule]]
name = "legacy"
profile = "baseline"
match = { engine = "cri", namespace = "legacy", image = "bed.invalid/*" }

[[rule]]
name = "legacy sandboxes"
profile = "baseline"
match = { engine = "cri", namespace = "legacy", sandbox = true }
`)
	k := bed.Containerd2(t).CRI()
	node := &cri.NamespaceOption{Network: cri.NamespaceMode_NODE, Pid: cri.NamespaceMode_NODE, Ipc: cri.NamespaceMode_NODE}
	t.Run("agent", func(t *testing.T) {
		k := k.With(t)
		p := k.MustPod("runclad", func(c *cri.PodSandboxConfig) {
			c.Metadata.Namespace = "kube-system"
			c.Hostname = "" // as the kubelet has it on the node's network
			c.Linux.SecurityContext.NamespaceOptions, c.Linux.SecurityContext.Privileged = node, true
		})
		id := p.MustStart("w", func(c *cri.ContainerConfig) {
			c.Linux.SecurityContext.NamespaceOptions, c.Linux.SecurityContext.Privileged = node, true
			c.Mounts = []*cri.Mount{
				{ContainerPath: "/host", HostPath: "/"},
				{ContainerPath: "/run", HostPath: "/run"},
				{ContainerPath: "/lib/modules", HostPath: "/lib", Readonly: true},
				{ContainerPath: "/host-dev", HostPath: "/dev"},
			}
		}, "sh", "-c", "/probe net; exec sleep 300")
		r := logged(t, p, "w")
		reachedFromNode(t, r)
		if r.UID != 0 || r.NoNewPrivs != 0 || r.Seccomp != 0 || r.Writes["/"] != "ok" || r.Caps["Eff"] == noCapabilities {
			t.Errorf("%+v", r)
		}
		if r := k.Exec(id, "sh", "-c", "mount -t tmpfs x /mnt 2>/dev/null || mkdir /mnt && mount -t tmpfs x /mnt; chroot /host true && echo x > /host-dev/null"); r.Code != 0 {
			t.Error(r)
		}
	})
	t.Run("legacy", func(t *testing.T) {
		k := k.With(t)
		p := k.MustPod("runclad", func(c *cri.PodSandboxConfig) { c.Metadata.Namespace = "legacy" })
		id := p.MustStart("w", nil, "sh", "-c", "/probe net; exec sleep 300")
		r := logged(t, p, "w")
		baseline(t, r)
		blocked(t, r)
		baseline(t, bed.Report(t, k.Exec(id, "/probe")))
		if _, err := k.RunPod("runclad", func(c *cri.PodSandboxConfig) {
			c.Metadata.Namespace = "legacy"
			c.Linux.SecurityContext.NamespaceOptions = node
		}); err == nil || !strings.Contains(err.Error(), "host_network = true under [profile.baseline]") {
			t.Errorf("a pod on the node's network: %v", err)
		}
	})
	t.Run("other", func(t *testing.T) {
		k := k.With(t)
		p := k.MustPod("runclad", nil)
		p.MustStart("w", nil, "/probe", "net")
		r := logged(t, p, "w")
		hardened(t, r)
		blocked(t, r)
	})
}
