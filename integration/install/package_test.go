// SPDX-License-Identifier: Apache-2.0

package install

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/bed"
)

// packages builds the .deb and the .rpm of a version.
func packages(t *testing.T, version string) (deb, rpm string) {
	t.Helper()
	dir := t.TempDir()
	script := filepath.Join(bed.Repo(t), "deploy/package/build.sh")
	bed.MustRun(t, script, bed.Cached(t, "nfpm-v2.45.2", "nfpm"), version, dir)
	plain := strings.TrimPrefix(version, "v")
	debs, _ := filepath.Glob(dir + "/runclad_" + plain + "-1_*.deb")
	rpms, _ := filepath.Glob(dir + "/runclad-" + plain + "-1.*.rpm")
	if len(debs) != 1 || len(rpms) != 1 {
		t.Fatalf("%v, %v", debs, rpms)
	}
	return debs[0], rpms[0]
}

// overlay lays a folder of the bed's own over dir.
func overlay(t *testing.T, lower, dir string) {
	t.Helper()
	private := bed.RunDir(t, "over") // a tmpfs
	for _, d := range []string{"upper", "work"} {
		if err := os.Mkdir(filepath.Join(private, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mount("overlay", dir, "overlay", 0, fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", lower, private, private)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// TestDeb installs, upgrades, removes and purges with the machine's own dpkg,
// whose files and /usr are the bed's. A container of Docker's is alive
// meanwhile.
func TestDeb(t *testing.T) {
	first, _ := packages(t, "v1.0.0")
	second, _ := packages(t, "v1.0.1")
	overlay(t, "/usr", "/usr")
	status := func() string {
		r := bed.Run("dpkg-query", "--show", "--showformat", "${Version} ${db:Status-Abbrev}", "runclad")
		return strings.TrimSpace(r.Stdout)
	}
	inode := func() uint64 {
		var st unix.Stat_t
		if err := unix.Stat("/usr/bin/runclad", &st); err != nil {
			t.Fatal(err)
		}
		return st.Ino
	}
	bed.MustRun(t, "dpkg", "--install", first)
	if got := status(); got != "1.0.0-1 ii" {
		t.Fatalf("status %q", got)
	}
	if r := bed.MustRun(t, "dpkg", "--verify", "runclad"); r.Stdout != "" {
		t.Errorf("dpkg --verify: %s", r.Stdout)
	}
	bed.MustRun(t, "gzip", "--test", "/usr/share/man/man8/runcladctl.8.gz")
	if exists("/etc/runclad/policy.toml") || exists("/etc/docker/daemon.json") {
		t.Errorf("the package made runclad active")
	}

	t.Setenv("RUNCLAD_TEST_SHIM", "/usr/bin/runclad")
	d := bed.DockerCurrent(t)
	d.Must("run", "--detach", "--name", "web", "--runtime", "runclad", bed.Image)
	root := strings.TrimSpace(d.Must("info", "--format", "{{.DockerRootDir}}").Stdout)
	bed.Write(t, "/etc/docker/daemon.json", fmt.Sprintf("{\"data-root\": %q}\n", root))

	old := inode()
	bed.MustRun(t, "dpkg", "--install", second)
	if got := status(); got != "1.0.1-1 ii" || inode() == old {
		t.Errorf("after the upgrade: %q, the same inode: %v", got, inode() == old)
	}
	if r := d.Must("exec", "web", "/bin/busybox", "id", "-u"); strings.TrimSpace(r.Stdout) == "0" {
		t.Errorf("exec after the upgrade: %v", r)
	}

	t.Setenv("DOCKERD", current(t).dockerd)
	bed.MustRun(t, "/usr/bin/runcladctl", "install", "--docker")
	if b, err := os.ReadFile("/etc/docker/daemon.json"); err != nil || !strings.Contains(string(b), `"/usr/bin/runclad"`) {
		t.Errorf("%v: %s", err, b)
	}
	refused := func(why string) {
		t.Helper()
		r := bed.Run("dpkg", "--remove", "runclad")
		if r.Code == 0 || !strings.Contains(r.Output(), why) || !strings.Contains(r.Output(), "runcladctl uninstall") {
			t.Errorf("%v", r)
		}
		if got := status(); got != "1.0.1-1 ri" || !exists("/usr/bin/runclad") { // still installed; dpkg notes the wish
			t.Errorf("after a refusal: %q", got)
		}
	}
	refused("(web)")
	d.Must("rm", "--force", "web")
	refused("/etc/docker/daemon.json names it")
	if r := bed.MustRun(t, "/usr/bin/runcladctl", "uninstall"); !strings.Contains(r.Stdout, "belongs to a package") {
		t.Errorf("%v", r)
	}
	if b, err := os.ReadFile("/etc/docker/daemon.json"); err != nil || strings.Contains(string(b), "runclad") && !strings.Contains(root, "runclad") {
		t.Errorf("%v: %s", err, b)
	}
	bed.MustRun(t, "dpkg", "--remove", "runclad")
	if exists("/usr/bin/runclad") || exists("/usr/bin/runcladctl") || !exists("/etc/logrotate.d/runclad") {
		t.Errorf("after removal: %q", status())
	}
	if !exists(bed.AuditFile) {
		t.Errorf("removal took the audit log along")
	}
	bed.MustRun(t, "dpkg", "--purge", "runclad")
	for _, f := range []string{"/etc/logrotate.d/runclad", "/etc/runclad", "/run/runclad", "/var/log/runclad", "/usr/share/runclad", "/usr/share/doc/runclad"} {
		if exists(f) {
			t.Errorf("%s is left after a purge", f)
		}
	}
}

// The .rpm has what the .deb has, and its scripts.
func TestRpm(t *testing.T) {
	deb, rpm := packages(t, "v1.0.0")
	list := func(args ...string) []string {
		var out []string
		for line := range strings.Lines(bed.MustRun(t, args...).Stdout) {
			out = append(out, strings.TrimSpace(line))
		}
		slices.Sort(out)
		return out
	}
	inRpm := list("rpm", "--query", "--package", "--queryformat", "[%{FILEMODES:perms} %{FILENAMES}\n]", rpm)
	inRpm = slices.DeleteFunc(inRpm, func(s string) bool { return s[0] == 'd' })
	var inDeb []string
	for _, line := range list("dpkg-deb", "--contents", deb) {
		f := strings.Fields(line)
		if f[0][0] != 'd' {
			inDeb = append(inDeb, f[0]+" "+strings.TrimPrefix(f[len(f)-1], "."))
		}
	}
	slices.Sort(inDeb)
	if !slices.Equal(inRpm, inDeb) || !slices.Contains(inRpm, "-rwxr-xr-x /usr/bin/runclad") {
		t.Errorf("in the .rpm:\n%s\nin the .deb:\n%s", strings.Join(inRpm, "\n"), strings.Join(inDeb, "\n"))
	}
	shim, err := os.ReadFile(filepath.Join(bed.Repo(t), "bin/runclad"))
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%x", sha256.Sum256(shim))
	if dump := bed.MustRun(t, "rpm", "--query", "--package", "--dump", rpm).Stdout; !strings.Contains(dump, want) {
		t.Errorf("the shim is another: %s", dump)
	}
	for flag, part := range map[string]string{
		"--scripts": "runcladctl uninstall --check", "--configfiles": "/etc/logrotate.d/runclad", "--requires": "(runc or crun)",
	} {
		if out := bed.MustRun(t, "rpm", "--query", "--package", flag, rpm).Stdout; !strings.Contains(out, part) {
			t.Errorf("%s: %s", flag, out)
		}
	}
	if out, err := exec.Command("sh", "-c", "rpm2cpio "+rpm+" | head -c 6").Output(); err != nil || string(out) != "070701" {
		t.Errorf("rpm2cpio: %v, %q", err, out)
	}
}

// The same source gives the same packages.
func TestPackagesAreReproducible(t *testing.T) {
	deb, rpm := packages(t, "v1.0.0")
	deb2, rpm2 := packages(t, "v1.0.0")
	bed.MustRun(t, "cmp", deb, deb2)
	bed.MustRun(t, "cmp", rpm, rpm2)
}

// What rpm calls before and after a removal.
func TestScripts(t *testing.T) {
	scripts := filepath.Join(bed.Repo(t), "deploy/package")
	for _, arg := range []string{"upgrade", "1", "failed-upgrade"} {
		bed.MustRun(t, scripts+"/preremove.sh", arg)
	}
	bed.Write(t, bed.AuditFile, "")
	for _, arg := range []string{"remove", "0", "1", "upgrade"} {
		bed.MustRun(t, scripts+"/postremove.sh", arg)
	}
	if !exists(bed.AuditFile) {
		t.Errorf("the audit log is gone without a purge")
	}
	_ = os.RemoveAll(filepath.Dir(bed.AuditFile))
}
