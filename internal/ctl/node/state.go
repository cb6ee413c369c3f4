// SPDX-License-Identifier: Apache-2.0

package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

// state is what is read of a runtime's own state of a container: state.json of
// runc (libcontainer.State), status of crun (libcrun_container_status_t).
type state struct {
	// runc
	CgroupPaths map[string]string `json:"cgroup_paths"`
	Config      struct {
		Labels []string `json:"labels"`
	} `json:"config"`
	// crun
	Bundle string `json:"bundle"`
	// both
	Created string `json:"created"`
}

// stateLimit bounds a runtime's state: it holds the whole configuration.
const stateLimit = 16 << 20

func readState(c *Container) error {
	file := "state.json"
	if c.Flavor == "crun" {
		file = "status"
	}
	f, err := os.Open(filepath.Join(c.Root, c.ID, file))
	if err != nil {
		return err
	}
	defer f.Close()
	var s state
	if err := json.NewDecoder(io.LimitReader(f, stateLimit)).Decode(&s); err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	c.Bundle, c.made = s.Bundle, s.Created
	for _, l := range s.Config.Labels {
		if b, ok := strings.CutPrefix(l, "bundle="); ok {
			c.Bundle = b
		}
	}
	for _, dir := range s.CgroupPaths {
		c.Cgroups = append(c.Cgroups, dir)
	}
	return nil
}

// look fills in what the runtime knows of the container, and who it is.
func (c *Container) look() {
	exists, err := record.StateExists(c.Flavor, c.Root, c.ID)
	c.doubt(err)
	switch {
	case !exists:
		c.State = Gone
		if c.Record != nil {
			alive, err := c.Record.Creator().Alive()
			c.doubt(err)
			if alive {
				c.State = Creating
			}
		}
	default:
		c.running()
	}
	if err := readState(c); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.doubt(err)
	}
	if c.Bundle == "" && c.Record != nil {
		c.Bundle = c.Record.Bundle
	}
	c.identify()
}

// running finds the first process. A runtime's exec.fifo is there until start.
func (c *Container) running() {
	p, err := record.ContainerPID(record.Record{ID: c.ID, Root: c.Root, Flavor: c.Flavor})
	switch {
	case err == nil:
		c.State, c.Process = Running, p
		if _, err := os.Lstat(filepath.Join(c.Root, c.ID, "exec.fifo")); err == nil {
			c.State = Created
		}
	case errors.Is(err, record.ErrNotRunning):
		c.State = Stopped
	case errors.Is(err, fs.ErrNotExist):
		c.State = Creating // the folder comes first, the file in it later
	default:
		c.State = Unknown
		c.doubt(err)
	}
}

// identify reads the spec, and from it who a container is that has no record.
func (c *Container) identify() {
	if c.Bundle != "" {
		f, err := spec.ReadFile(filepath.Join(c.Bundle, "config.json"))
		if err == nil {
			c.Spec, err = spec.ParseSpec(f.Data())
		}
		if err != nil && c.Alive() {
			c.doubt(err)
		}
	}
	if r := c.Record; r != nil {
		c.Engine, c.Namespace, c.Pod, c.Name, c.Image, c.Sandbox = r.Engine, r.Namespace, r.Pod, r.Name, r.Image, r.Sandbox
	} else if c.Spec != nil {
		w := workload.Identify(c.Root, c.Bundle, c.ID, c.Spec)
		c.Engine, c.Namespace, c.Pod, c.Name, c.Image, c.Sandbox = w.Engine, w.Namespace, w.Pod, w.Name, w.Image, w.SandboxID
		if w.DataRoot != "" {
			c.DockerRuntime = dockerRuntime(w.DataRoot, c.ID)
		}
	}
	if c.Engine == "" {
		c.Engine = workload.Direct
	}
}

// dockerRuntime is the runtime with which Docker made the container.
func dockerRuntime(dataRoot, id string) string {
	data, err := os.ReadFile(filepath.Join(dataRoot, "containers", id, "hostconfig.json"))
	var h struct{ Runtime string }
	if err != nil || json.Unmarshal(data, &h) != nil {
		return ""
	}
	return h.Runtime
}
