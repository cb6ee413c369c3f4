// SPDX-License-Identifier: Apache-2.0

package node

import (
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
	Profile    string
	Mode       string
	Rule       string
	Exemptions []string
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

// decide gathers the decision: the record's, or where there is none, that of the
// audit line.
func (c *Container) decide() {
	switch {
	case c.Record != nil:
		r := c.Record
		c.Decision = Decision{Profile: r.Profile, Mode: auditlog.Enforce, Rule: r.Rule, Exemptions: r.Exemptions}
		switch r.Mode {
		case record.ModeAudited:
			c.Mode = auditlog.Audit
		case record.ModeExempted:
			c.Mode = auditlog.Exempt
		}
	case c.Line != nil:
		c.Decision = Decision{Profile: c.Line.Profile, Mode: c.Line.Mode(), Rule: c.Line.Rule, Exemptions: c.Line.Exemptions}
	}
}
