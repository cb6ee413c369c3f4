// SPDX-License-Identifier: Apache-2.0

package install

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/runclad/runclad/internal/record"
)

// dependents are sentences on the containers that still need the shim. What
// could not be found out counts as one.
func (j *job) dependents() []string {
	seen := map[string]bool{} // one container, one sentence
	var out []string
	for _, look := range []struct {
		what string
		find func() ([]dependent, error)
	}{
		{"the containers in " + record.DefaultDir, j.recorded},
		{"containerd's tasks", j.tasks},
		{"Docker's containers", j.dockerContainers},
		{"Podman's containers", j.podmanContainers},
	} {
		containers, err := look.find()
		if err != nil {
			out = append(out, fmt.Sprintf("%s could not be looked through: %v", look.what, err))
		}
		for _, d := range containers {
			if !seen[d.id] {
				out = append(out, d.String())
			}
			seen[d.id] = true
		}
	}
	return out
}

type dependent struct{ engine, id, name, why string }

func (d dependent) String() string {
	name := d.id
	if len(name) > 12 {
		name = name[:12]
	}
	if d.name != "" {
		name += " (" + d.name + ")"
	}
	return fmt.Sprintf("%s container %s: %s", d.engine, name, d.why)
}

// recorded are the containers of this node that the shim created and that are
// alive.
func (j *job) recorded() ([]dependent, error) {
	if j.Root != "" || !exists(record.DefaultDir) {
		return nil, nil
	}
	store, err := record.Open(record.DefaultDir)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	all, err := store.List()
	var out []dependent
	for _, r := range all {
		d := dependent{engine: r.Engine, id: r.ID, name: r.Name, why: "alive, created through runclad"}
		alive, e := r.Alive()
		if e != nil {
			d.why = fmt.Sprintf("whether it is alive could not be found out: %v", e)
		}
		if alive || e != nil {
			out = append(out, d)
		}
	}
	return out, err
}

// tasks are the containers whose containerd shim calls runclad: it notes the
// runtime's path in the bundle. Docker's and Kubernetes' are among them.
func (j *job) tasks() ([]dependent, error) {
	if j.Root != "" {
		return nil, nil
	}
	var out []dependent
	for _, state := range j.containerdStates() {
		files, _ := filepath.Glob(filepath.Join(state, "io.containerd.runtime.v2.task/*/*/runtime")) // the pattern is a good one
		for _, f := range files {
			b, err := os.ReadFile(f)
			if errors.Is(err, os.ErrNotExist) {
				continue // gone meanwhile
			}
			if err != nil {
				return out, err
			}
			if string(bytes.TrimSpace(b)) == j.shim() {
				bundle := filepath.Dir(f)
				out = append(out, dependent{
					engine: "containerd", id: filepath.Base(bundle),
					name: filepath.Base(filepath.Dir(bundle)), why: "its containerd-shim calls " + j.shim(),
				})
			}
		}
	}
	return out, nil
}

// containerdStates are where containerd and the one that dockerd starts keep
// bundles.
func (j *job) containerdStates() []string {
	states := []string{"/run/containerd", "/run/docker/containerd/daemon"}
	if main, err := read(j.at(containerdFile)); err == nil {
		if s, err := readSettings(main); err == nil {
			if dir, ok := s[sep+"state"].(string); ok && !slices.Contains(states, dir) {
				states = append(states, dir)
			}
		}
	}
	return states
}

// dockerContainers are those that Docker would start, stop and remove through
// runclad, also stopped ones: without the runtime they do not start again.
func (j *job) dockerContainers() ([]dependent, error) {
	root := "/var/lib/docker"
	if text, err := read(j.at(dockerFile)); err == nil && text != nil {
		var f struct {
			DataRoot string `json:"data-root"`
		}
		if json.Unmarshal(text, &f) == nil && f.DataRoot != "" {
			root = f.DataRoot
		}
	}
	files, _ := filepath.Glob(j.at(root) + "/containers/*/hostconfig.json") // the pattern is a good one
	var out []dependent
	for _, file := range files {
		dir := filepath.Dir(file)
		var host struct{ Runtime string }
		switch err := readJSON(file, &host); {
		case errors.Is(err, os.ErrNotExist):
			continue // removed meanwhile
		case err != nil:
			return out, err
		case host.Runtime != "runclad":
			continue
		}
		var config struct{ Name string }
		if err := readJSON(filepath.Join(dir, "config.v2.json"), &config); err != nil && !errors.Is(err, os.ErrNotExist) {
			return out, err
		}
		out = append(out, dependent{
			engine: "docker", id: filepath.Base(dir), name: strings.TrimPrefix(config.Name, "/"), why: "its runtime is runclad",
		})
	}
	return out, nil
}

func readJSON(file string, v any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// podmanContainers asks Podman, which keeps a container's runtime in its
// database.
func (j *job) podmanContainers() ([]dependent, error) {
	podman := j.Programs.Podman
	if !found(podman) || j.Root != "" || !exists(podmanFile) { // then none was made with runclad
		return nil, nil
	}
	ids, err := exec.Command(podman, "ps", "--all", "--quiet", "--no-trunc").Output()
	if err != nil {
		return nil, fmt.Errorf("podman ps: %w", err)
	}
	var out []dependent
	for id := range strings.FieldsSeq(string(ids)) {
		b, err := exec.Command(podman, "inspect", "--type", "container", "--format", "{{.OCIRuntime}} {{.Name}}", id).Output()
		if err != nil {
			return out, fmt.Errorf("podman inspect %s: %w", id, err)
		}
		if runtime, name, _ := strings.Cut(strings.TrimSpace(string(b)), " "); runtime == "runclad" || runtime == j.shim() {
			out = append(out, dependent{engine: "podman", id: id, name: name, why: "its runtime is runclad"})
		}
	}
	return out, nil
}
