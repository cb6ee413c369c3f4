// SPDX-License-Identifier: Apache-2.0

package node

import (
	"encoding/json"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/spec"
)

// The states of a container.
const (
	Creating = "creating" // runclad is at it
	Created  = "created"  // its process waits for start
	Running  = "running"
	Stopped  = "stopped" // the runtime still has state for it
	Gone     = "gone"    // only its record is left
	Unknown  = "unknown"
)

// Container is one container of this node.
type Container struct {
	ID      string
	Root    string // the runtime's state root
	Flavor  string // "runc" or "crun"
	Bundle  string
	State   string
	Process record.Process // its first process, if Running or Created
	Cgroups []string       // its cgroups, as folders

	Engine, Namespace, Pod, Name, Image, Sandbox string
	// DockerRuntime is the runtime that Docker's own file names, if it is
	// Docker's container.
	DockerRuntime string

	// Record is nil for a container that was not created through runclad.
	Record *record.Record
	// Line is the last line of the audit log about its creation, nil if the log
	// holds none.
	Line *auditlog.Entry
	Decision

	// Spec is its config.json, nil if it cannot be read.
	Spec *spec.Document
	// Doubts say what could not be found out.
	Doubts []string

	made string // when, by the runtime's state
}

// Decision is what the policy decided at create.
type Decision struct {
	Profile      string
	Mode         string
	Rule         string
	Exemptions   []string
	PolicyDigest string
}

// Bypasses reports whether the container runs without runclad: it has no record,
// and no line says that the policy let it pass as it was.
func (c *Container) Bypasses() bool {
	if c.Record != nil || c.State == Gone {
		return false
	}
	return c.Line == nil || c.Line.Decision != auditlog.Exempted && c.Line.Decision != auditlog.Audited
}

// Alive reports whether it may have processes.
func (c *Container) Alive() bool {
	switch c.State {
	case Stopped, Gone:
		return false
	}
	return true
}

// Title names the container for people: namespace, pod and name as far as there
// are any, else the image, else nothing.
func (c *Container) Title() string {
	out := ""
	for _, s := range []string{c.Namespace, c.Pod, c.Name} {
		if s != "" {
			if out != "" {
				out += "/"
			}
			out += s
		}
	}
	return out
}

// ShortID is what engines print of an ID.
func (c *Container) ShortID() string {
	if len(c.ID) > 12 {
		return c.ID[:12]
	}
	return c.ID
}

func (c *Container) doubt(err error) {
	if err != nil {
		c.Doubts = append(c.Doubts, err.Error())
	}
}

// decide gathers the decision: the record's, and where it says nothing, that of
// the audit line.
func (c *Container) decide() {
	if c.Record != nil {
		c.Decision = recorded(c.Record)
		if c.Profile == "" {
			c.Profile = c.Record.Profile
		}
	}
	if c.Line != nil {
		if c.Profile == "" {
			c.Profile = c.Line.Profile
		}
		if c.Mode == "" {
			c.Mode = c.Line.Mode
		}
		if c.Rule == "" {
			c.Rule = c.Line.Rule
		}
		if len(c.Exemptions) == 0 {
			c.Exemptions = c.Line.Exemptions
		}
	}
	if c.Mode == "" && (c.Record != nil || c.Line != nil) {
		c.Mode = auditlog.Enforce
	}
}

// recorded reads the decision by the names of the record's fields, those that
// older records lack included.
func recorded(r *record.Record) (d Decision) {
	data, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(data, &d)
	}
	if err != nil {
		return Decision{}
	}
	return d
}
