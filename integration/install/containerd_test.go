// SPDX-License-Identifier: Apache-2.0

package install

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	configTOML = "etc/containerd/config.toml"
	dropIn     = "etc/containerd/conf.d/runclad.toml"
)

// settings is `containerd config dump` as lines of "[table] key = value".
func (e engines) settings(t *testing.T, file string) []string {
	t.Helper()
	cmd := exec.Command(e.containerd, "--config", file, "config", "dump")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("containerd --config %s config dump: %v", file, err)
	}
	var lines []string
	table := ""
	for line := range strings.Lines(strings.ReplaceAll(string(out), "'", `"`)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			table = line
		}
		if !strings.HasPrefix(line, "imports") {
			lines = append(lines, table+" "+line)
		}
	}
	return lines
}

func (e engines) defaultConfig(t *testing.T) string {
	t.Helper()
	out, err := exec.Command(e.containerd, "config", "default").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

const (
	v2runc = `[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = true
`
	v3runc = `[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = true
`
	v2cni = `[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
`
)

func TestContainerd(t *testing.T) {
	for _, c := range []struct {
		name, config string
		old          bool // 1.6 can read it
		systemd      bool
		others       map[string]string // conf.d
		dropIn       bool              // by containerd 2
	}{
		{name: "sparse", config: "version = 2\n" + v2cni, old: true},
		{name: "no newline", config: "version = 2\n" + strings.TrimSpace(v2cni), old: true},
		{name: "systemd", config: "version = 2\n" + v2runc, old: true, systemd: true},
		{name: "imports, v2", config: "version = 2\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n" + v2runc, old: true, systemd: true, dropIn: true},
		{name: "imports elsewhere", config: "version = 2\nimports = [\"/etc/containerd/other/*.toml\"]\n" + v2runc, old: true, systemd: true},
		{name: "v3", config: "version = 3\n"},
		{name: "default named", config: "version = 2 # ours\n[plugins.\"io.containerd.grpc.v1.cri\".containerd]\n    default_runtime_name = 'runc' # for all\n" + v2runc, old: true, systemd: true},
		{name: "table there", config: "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd] # ours\n  ignore_rdt_not_enabled_errors = true\n"},
		{name: "table last", config: "version = 3\n" + v3runc + "[plugins.'io.containerd.cri.v1.runtime'.containerd]", systemd: true},
		{name: "v3, systemd", config: "version = 3\n" + v3runc, systemd: true},
		{name: "v4", config: "version = 4\n" + v3runc, systemd: true},
		{
			name: "v3, imports", config: "version = 3\nimports = [\n  '/etc/containerd/conf.d/*.toml',\n]\n", systemd: true, dropIn: true,
			others: map[string]string{"etc/containerd/conf.d/cgroup.toml": "version = 3\n" + v3runc},
		},
		{name: "v3, relative imports", config: "version = 3\nimports = ['conf.d/*.toml']\n" + v3runc, systemd: true, dropIn: true},
	} {
		for version, e := range map[string]engines{"1.6": debian(t), "2": current(t)} {
			if version == "1.6" && !c.old {
				continue
			}
			t.Run(c.name+"/"+version, func(t *testing.T) {
				files := map[string]string{configTOML: c.config}
				for name, text := range c.others {
					files[name] = text
				}
				e.containerdRoundTrip(t, files, c.systemd, c.dropIn && version != "1.6", false)
				e.containerdRoundTrip(t, files, c.systemd, c.dropIn && version != "1.6", true)
			})
		}
	}
	for version, e := range map[string]engines{"1.6": debian(t), "2": current(t)} {
		t.Run("no file/"+version, func(t *testing.T) { e.containerdRoundTrip(t, nil, false, false, true) })
		t.Run("default config/"+version, func(t *testing.T) {
			e.containerdRoundTrip(t, map[string]string{configTOML: e.defaultConfig(t)}, false, version == "2", true)
		})
	}
}

// containerdRoundTrip wants the handler in containerd's own reading of the
// files, and everything else as it was.
func (e engines) containerdRoundTrip(t *testing.T, files map[string]string, systemd, wantDropIn, wantDefault bool) {
	t.Helper()
	// The absolute imports are of the host that the tree is for.
	read := func(tr tree) []string {
		here := newTree(t, nil)
		for name := range tr.files() {
			here.write(name, strings.ReplaceAll(tr.read(name), "/etc/containerd/", filepath.Join(here.dir, "etc/containerd")+"/"))
		}
		lines := e.settings(t, filepath.Join(here.dir, configTOML))
		for i := range lines {
			lines[i] = strings.ReplaceAll(lines[i], here.dir, "")
		}
		return lines
	}
	start := newTree(t, files)
	if files == nil {
		start.write(configTOML, regexp.MustCompile(`(?m)^version = \d+$`).FindString(e.defaultConfig(t))+"\n")
	}
	before := read(start)
	flags := []string{"--containerd"}
	if wantDefault {
		flags = append(flags, "--default-runtime")
	}
	roundTrip(t, e, files, func(tr tree) {
		after := read(tr)
		for _, line := range before {
			zero := regexp.MustCompile(`runtimes\.runc\.options\]( .* = (""|0|false))?$`).MatchString(line)
			def := wantDefault && strings.Contains(line, ".containerd] default_runtime_name = ")
			if !slices.Contains(after, line) && !zero && !def {
				t.Errorf("lost: %s", line)
			}
		}
		if wantDefault != slices.ContainsFunc(after, func(l string) bool {
			return strings.HasSuffix(l, `.containerd] default_runtime_name = "runclad"`)
		}) {
			t.Errorf("the default runtime is runclad: %v", !wantDefault)
		}
		for _, want := range []string{`BinaryName = "/usr/local/bin/runclad"`, "SystemdCgroup = " + map[bool]string{true: "true", false: "false"}[systemd]} {
			found := slices.ContainsFunc(after, func(l string) bool {
				return strings.Contains(l, "runtimes.runclad.options] "+want)
			})
			// 1.6 shows no option that was not set.
			if !found && want != "SystemdCgroup = false" {
				t.Errorf("missing: %s", want)
			}
		}
		if !slices.ContainsFunc(after, func(l string) bool {
			return strings.Contains(l, `runtimes.runc] runtime_type = "io.containerd.runc.v2"`)
		}) {
			t.Errorf("the handler runc is gone")
		}
		_, drop := tr.files()["/"+dropIn]
		if drop != wantDropIn {
			t.Errorf("drop-in: %v, want %v", drop, wantDropIn)
		}
	}, flags...)
}

func TestContainerdRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, why string }{
		"version 1":      {"oom_score = 0\n", "config migrate"},
		"no CRI, v1":     {"disabled_plugins = [\"cri\"]\n", "disables the CRI plugin"},
		"no CRI":         {"version = 2\ndisabled_plugins = [\n  \"io.containerd.grpc.v1.cri\",\n]\n", "disables the CRI plugin"},
		"syntax":         {"version = 3\n[plugins\n", "broken already"},
		"newer":          {"version = 99\n", "not known"},
		"another":        {"version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runclad.options]\nBinaryName = '/opt/runclad'\n", "/opt/runclad"},
		"inline runtime": {"version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd]\nruntimes = { runc = { runtime_type = 'io.containerd.runc.v2' } }\n", "left alone"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, current(t), map[string]string{configTOML: c.text}, c.why, "--containerd")
		})
	}
}

// The line that named another default stays as a comment, and comes back as it
// was even after the file was edited.
func TestContainerdDefaultEdited(t *testing.T) {
	const table = "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd]\n\tdefault_runtime_name = 'runc' # ours\n"
	e := current(t)
	tr := newTree(t, map[string]string{configTOML: table})
	e.must(t, "--root", tr.dir, "--containerd", "--default-runtime")
	if got := tr.read(configTOML); !strings.Contains(got, "\t# kept by runclad: default_runtime_name = 'runc' # ours\n\tdefault_runtime_name = \"runclad\" # added by runclad\n") {
		t.Errorf("got %s", got)
	}
	installed := tr.files()
	e.must(t, "--root", tr.dir, "--containerd") // without the flag it stays the default
	tr.same(installed, "after a run without --default-runtime")
	tr.write(configTOML, tr.read(configTOML)+"[debug]\n  level = 'debug'\n")
	e.must(t, "--root", tr.dir, "--uninstall")
	if got := tr.read(configTOML); got != table+"[debug]\n  level = 'debug'\n" {
		t.Errorf("got %s", got)
	}
}

// A file that an earlier install.sh wrote is understood.
func TestContainerdOldBlock(t *testing.T) {
	e := current(t)
	const block = "# BEGIN runclad (install.sh; removed by install.sh --uninstall)\n[plugins.\"io.containerd.cri.v1.runtime\".containerd.runtimes.runclad]\n  runtime_type = \"io.containerd.runc.v2\"\n[plugins.\"io.containerd.cri.v1.runtime\".containerd.runtimes.runclad.options]\n  BinaryName = \"/usr/local/bin/runclad\"\n# END runclad\n"
	tr := newTree(t, map[string]string{configTOML: "version = 3\n" + block})
	e.must(t, "--root", tr.dir, "--containerd")
	if got := tr.read(configTOML); strings.Count(got, "# END runclad") != 1 || strings.Contains(got, "install.sh") {
		t.Errorf("got %s", got)
	}
	e.must(t, "--root", tr.dir, "--uninstall")
	if got := tr.read(configTOML); got != "version = 3\n" {
		t.Errorf("got %s", got)
	}
}

// What was edited after the installation stays, on both sides of the block.
func TestContainerdEdited(t *testing.T) {
	e := current(t)
	for name, first := range map[string]map[string]string{"file": {configTOML: "version = 3\n"}, "no file": nil} {
		t.Run(name, func(t *testing.T) {
			tr := newTree(t, first)
			e.must(t, "--root", tr.dir, "--containerd")
			tr.write(configTOML, tr.read(configTOML)+"[debug]\n  level = 'debug'\n")
			e.must(t, "--root", tr.dir, "--uninstall")
			if got := tr.read(configTOML); got != "version = 3\n[debug]\n  level = 'debug'\n" {
				t.Errorf("got %s", got)
			}
		})
	}
}

// A handler that somebody wrote by hand stays theirs.
func TestContainerdByHand(t *testing.T) {
	e := current(t)
	tr := newTree(t, map[string]string{configTOML: "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runclad.options]\nBinaryName = '/usr/local/bin/runclad'\n"})
	before := tr.files()
	if out := e.must(t, "--root", tr.dir, "--containerd"); !strings.Contains(out, "there already") {
		t.Errorf("said: %s", out)
	}
	e.must(t, "--root", tr.dir, "--uninstall")
	tr.same(before, "after uninstall")
}
