// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/runclad/runclad/internal/ctl/node"
)

// dockerConfig is what of daemon.json matters here.
type dockerConfig struct {
	Runtimes map[string]struct {
		Path string   `json:"path"`
		Args []string `json:"runtimeArgs"`
		Type string   `json:"runtimeType"`
	} `json:"runtimes"`
	Default    string          `json:"default-runtime"`
	UsernsRe   string          `json:"userns-remap"`
	Features   map[string]bool `json:"features"`
	SeccompDef string          `json:"seccomp-profile"`
}

func (h *Host) docker(a *area) {
	for _, d := range h.engines("dockerd") {
		h.dockerd(a, d)
	}
}

func (h *Host) dockerd(a *area, d node.Daemon) {
	a.introduce(d)
	if d.UID != 0 {
		a.problem("daemon", "use the daemon of root", "dockerd runs without root (UID %d): runclad keeps its state where only root can write", d.UID)
		return
	}
	file := d.Flag("config-file")
	if file == "" {
		file = "/etc/docker/daemon.json"
	}
	config := dockerConfig{}
	data, err := os.ReadFile(filepath.Join(h.rootOf(d), file))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		a.unknown("configuration", err)
		return
	default:
		if err := json.Unmarshal(data, &config); err != nil {
			a.problem("configuration", "mend the file", "%s: %v", file, err)
			return
		}
	}
	h.dockerRuntimes(a, d, file, &config)
	if config.UsernsRe != "" || d.Flag("userns-remap") != "" {
		a.warn("userns-remap", "nothing to do", "containers run in a user namespace: runclad takes their UIDs from the range that Docker maps, not from uid_range")
	}
	if config.SeccompDef == "unconfined" {
		a.ok("seccomp", "Docker's own profile is off (seccomp-profile); runclad's holds for its containers")
	}
}

// dockerRuntimes looks for an entry that leads to runclad, and whether it is
// the default.
func (h *Host) dockerRuntimes(a *area, d node.Daemon, file string, config *dockerConfig) {
	var ours []string
	for name, r := range config.Runtimes {
		if !h.isShim(r.Path) {
			continue
		}
		ours = append(ours, name)
		if len(r.Args) > 0 {
			a.problem("runtimeArgs", "remove runtimeArgs; runclad is configured by its policy file", "the runtime %s in %s has runtimeArgs: dockerd wraps it in a shell script that takes its arguments apart", name, file)
		}
		if r.Type != "" {
			a.problem("runtimeType", "remove runtimeType: path is for runtimes that are called as runc is", "the runtime %s in %s has both a path and a runtimeType", name, file)
		}
	}
	for i, arg := range d.Args {
		value, ok := strings.CutPrefix(arg, "--add-runtime=")
		if arg == "--add-runtime" && i+1 < len(d.Args) {
			value, ok = d.Args[i+1], true
		}
		if name, path, cut := strings.Cut(value, "="); ok && cut && h.isShim(path) {
			ours = append(ours, name)
		}
	}
	slices.Sort(ours)
	def := config.Default
	if flag := d.Flag("default-runtime"); flag != "" {
		def = flag
	}
	switch {
	case len(ours) == 0:
		a.warn("runtimes", "runcladctl install --docker adds it", "no runtime in %s leads to runclad: Docker's containers are not hardened", file)
		return
	case slices.Contains(ours, def):
		a.ok("runtimes", "%s is runclad, and the default for new containers", def)
	default:
		a.ok("runtimes", "%s: runclad, for containers that ask for it (--runtime); the default is %s", strings.Join(ours, ", "), orRunc(def))
	}
	if on, set := config.Features["buildkit"]; !set || on {
		a.warn("BuildKit", "treat build hosts as such, or set \"features\": {\"buildkit\": false} where builds have to be hardened",
			"docker build runs its steps with BuildKit's own runc, whatever runtime is configured")
	}
}

func orRunc(name string) string {
	if name == "" {
		return "runc"
	}
	return fmt.Sprintf("%q", name)
}
