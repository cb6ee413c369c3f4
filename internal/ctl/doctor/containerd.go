// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/runclad/runclad/internal/ctl/node"
)

// containerdConfig is what of config.toml matters here.
type containerdConfig struct {
	Version int                       `toml:"version"`
	Imports []string                  `toml:"imports"`
	Off     []string                  `toml:"disabled_plugins"`
	Plugins map[string]map[string]any `toml:"plugins"`
}

// criPlugins hold the runtime handlers: that of configuration version 2, and of
// version 3 and later (containerd 2).
var criPlugins = map[string]int{"io.containerd.grpc.v1.cri": 2, "io.containerd.cri.v1.runtime": 3}

func (h *Host) containerd(a *area) {
	for _, d := range h.engines("containerd") {
		h.containerdOf(a, d)
	}
}

func (h *Host) containerdOf(a *area, d node.Daemon) {
	a.introduce(d)
	file := d.Flag("config", "c")
	if file == "" {
		file = "/etc/containerd/config.toml"
	}
	major := 0
	if out, err := call(d.Exe, "--version"); err != nil {
		a.unknown("version", err)
	} else {
		major = majorOf(out)
		a.ok("version", "%s", firstLine(out))
	}
	config, err := readContainerd(h.rootOf(d), file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		a.warn("configuration", "runcladctl install --containerd adds a handler", "%s is absent: no runtime handler leads to runclad", file)
		return
	case err != nil:
		a.problem("configuration", "mend the file; `containerd config dump` says more", "%v", err)
		return
	}
	if slices.ContainsFunc(config.Off, isCRI) {
		a.ok("handlers", "%s switches the CRI off: Docker's own containerd, or one for ctr and nerdctl", file)
		return
	}
	if major == 1 && config.Version > 2 {
		a.problem("configuration", "write version = 2, and the tables of that version", "%s has version %d, which containerd 1 does not know", file, config.Version)
	}
	h.handlers(a, file, config)
}

// isCRI knows the names under which the CRI plugin is switched off.
func isCRI(plugin string) bool {
	return plugin == "cri" || plugin == "io.containerd.grpc.v1.cri" || plugin == "io.containerd.cri.v1.runtime"
}

// handlers looks for runtime handlers that lead to runclad.
func (h *Host) handlers(a *area, file string, config *containerdConfig) {
	var ours []string
	def := ""
	for name, version := range criPlugins {
		table := config.Plugins[name]
		if table == nil {
			continue
		}
		if version == 2 && config.Version > 2 || version == 3 && config.Version < 3 {
			a.problem("handlers", "move them to the table of that version", "%s has version %d, and runtimes under %q, which that version does not read", file, config.Version, name)
			continue
		}
		inner, _ := table["containerd"].(map[string]any)
		def, _ = inner["default_runtime_name"].(string)
		runtimes, _ := inner["runtimes"].(map[string]any)
		for handler, v := range runtimes {
			t, _ := v.(map[string]any)
			options, _ := t["options"].(map[string]any)
			binary, _ := options["BinaryName"].(string)
			if binary == "" || !h.isShim(binary) {
				continue
			}
			ours = append(ours, handler)
			if kind, _ := t["runtime_type"].(string); kind != "io.containerd.runc.v2" {
				a.problem("handlers", `set runtime_type = "io.containerd.runc.v2"`, "the handler %s has runtime_type %q, which does not read BinaryName", handler, kind)
			}
		}
	}
	slices.Sort(ours)
	switch {
	case len(ours) == 0:
		a.warn("handlers", "runcladctl install --containerd adds one", "no runtime handler in %s leads to runclad: pods are not hardened", file)
	case slices.Contains(ours, def):
		a.ok("handlers", "%s is runclad, and the default for pods", def)
	default:
		a.ok("handlers", "%s: runclad, for pods whose RuntimeClass asks for it; the default is %s", strings.Join(ours, ", "), orRunc(def))
	}
}

// readContainerd reads a file and those it imports. An imported file replaces
// whole plugins where containerd is of version 1, and merges them from 2 on; for
// the question what handlers there are, both are taken together.
func readContainerd(root, file string) (*containerdConfig, error) {
	data, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		return nil, err
	}
	var config containerdConfig
	if err := toml.Unmarshal(data, &config); err != nil {
		return nil, &fs.PathError{Op: "read", Path: file, Err: err}
	}
	for _, pattern := range config.Imports {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(file), pattern)
		}
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			data, err := os.ReadFile(f)
			if err != nil {
				return nil, err
			}
			var more containerdConfig
			if err := toml.Unmarshal(data, &more); err != nil {
				return nil, &fs.PathError{Op: "read", Path: f, Err: err}
			}
			for name, table := range more.Plugins {
				if config.Plugins == nil {
					config.Plugins = map[string]map[string]any{}
				}
				config.Plugins[name] = merged(config.Plugins[name], table)
			}
		}
	}
	return &config, nil
}

func merged(a, b map[string]any) map[string]any {
	if a == nil {
		return b
	}
	for k, v := range b {
		inner, ok := v.(map[string]any)
		if have, okHave := a[k].(map[string]any); ok && okHave {
			a[k] = merged(have, inner)
			continue
		}
		a[k] = v
	}
	return a
}

var versionNumber = regexp.MustCompile(`\bv?([0-9]+)\.[0-9]+`)

// majorOf finds the major version in what a program prints, 0 if there is none.
func majorOf(out string) int {
	m := versionNumber.FindStringSubmatch(out)
	if m == nil {
		return 0
	}
	n := 0
	for _, c := range m[1] {
		n = n*10 + int(c-'0')
	}
	return n
}
