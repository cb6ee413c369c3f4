// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// crioConfig is what of CRI-O's configuration matters here.
type crioConfig struct {
	CRIO struct {
		Runtime struct {
			Default  string `toml:"default_runtime"`
			ReadOnly bool   `toml:"read_only"`
			Runtimes map[string]struct {
				Path string `toml:"runtime_path"`
				Root string `toml:"runtime_root"`
			} `toml:"runtimes"`
		} `toml:"runtime"`
	} `toml:"crio"`
}

func (h *Host) crio(a *area) {
	list := h.engines("crio")
	for _, d := range list {
		a.introduce(d)
	}
	var config crioConfig
	if len(list) == 0 {
		return
	}
	if !h.layers(a, &config, "/etc/crio/crio.conf", "/etc/crio/crio.conf.d/*.conf") {
		return
	}
	r := &config.CRIO.Runtime
	var ours []string
	for name, rt := range r.Runtimes {
		if h.isShim(rt.Path) {
			ours = append(ours, name)
		}
	}
	slices.Sort(ours)
	switch {
	case len(ours) == 0:
		a.warn("runtimes", "runcladctl install --crio adds one", "no runtime of CRI-O leads to runclad: pods are not hardened")
	case slices.Contains(ours, r.Default):
		a.ok("runtimes", "%s is runclad, and the default for pods", r.Default)
	default:
		a.ok("runtimes", "%s: runclad, for pods whose RuntimeClass asks for it", strings.Join(ours, ", "))
	}
	if r.ReadOnly && len(ours) > 0 {
		a.warn("read_only", "leave read_only out: runclad makes root file systems read-only and keeps the image's content visible",
			"CRI-O itself makes root file systems read-only, and covers /run, /tmp and /var/tmp with empty tmpfs")
	}
}

// podmanConfig is what of containers.conf matters here.
type podmanConfig struct {
	Containers struct {
		ReadOnly bool `toml:"read_only"`
	} `toml:"containers"`
	Engine struct {
		Runtime  string              `toml:"runtime"`
		Runtimes map[string][]string `toml:"runtimes"`
	} `toml:"engine"`
}

func (h *Host) podman(a *area) {
	exe := h.Program("podman")
	if exe == "" {
		return
	}
	if out, err := call(exe, "--version"); err != nil {
		a.unknown("version", err)
	} else {
		a.ok("version", "%s", firstLine(out))
	}
	var config podmanConfig
	if !h.layers(a, &config, "/usr/share/containers/containers.conf", "/etc/containers/containers.conf", "/etc/containers/containers.conf.d/*.conf") {
		return
	}
	var ours []string
	for name, paths := range config.Engine.Runtimes {
		if slices.ContainsFunc(paths, h.isShim) {
			ours = append(ours, name)
		}
	}
	slices.Sort(ours)
	switch def := config.Engine.Runtime; {
	case len(ours) == 0:
		a.warn("runtimes", "runcladctl install --podman adds one", "no runtime in containers.conf leads to runclad: Podman's containers are not hardened")
	case slices.Contains(ours, def) || h.isShim(def):
		a.ok("runtimes", "%s is runclad, and the default", def)
	default:
		a.ok("runtimes", "%s: runclad, for containers that ask for it (--runtime)", strings.Join(ours, ", "))
	}
	if found, _ := filepath.Glob("/run/user/*/libpod"); len(found) > 0 {
		a.warn("rootless", "nothing to do; such containers have no more rights than their user", "Podman is used without root by %d users: runclad does not see those containers", len(found))
	}
}

// layers reads configuration files over each other, the later ones winning. It
// reports whether all could be read.
func (h *Host) layers(a *area, into any, patterns ...string) bool {
	for _, pattern := range patterns {
		found, err := filepath.Glob(h.path(pattern))
		if err != nil {
			a.unknown("configuration", err)
			return false
		}
		for _, f := range found {
			data, err := os.ReadFile(f)
			if err != nil {
				a.unknown("configuration", err)
				return false
			}
			if err := toml.Unmarshal(data, into); err != nil {
				a.problem("configuration", "mend the file", "%s: %v", f, err)
				return false
			}
		}
	}
	return true
}
