// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"encoding/json"
	"fmt"
	"time"
)

// Entry is one line of the log. Members that a line lacks are zero; members
// that this version does not know are passed over.
type Entry struct {
	Time       time.Time `json:"time"`
	Decision   string    `json:"decision"`
	Verb       string    `json:"verb"`
	Engine     string    `json:"engine"`
	Container  string    `json:"container"`
	Name       string    `json:"name"`
	Image      string    `json:"image"`
	ImageID    string    `json:"image_id"`
	Namespace  string    `json:"namespace"`
	Pod        string    `json:"pod"`
	Sandbox    bool      `json:"sandbox"`
	Profile    string    `json:"profile"`
	Policy     string    `json:"policy"`
	Rule       string    `json:"rule"`
	Exemptions []string  `json:"exemptions"`
	Controls   []string  `json:"controls"` // of a refusal
	Allow      []string  `json:"allow"`    // the policy lines that would let it pass
	UID        uint32    `json:"uid"`
	GID        uint32    `json:"gid"`
	Metadata   string    `json:"metadata"`
	Reason     string    `json:"reason"`
	Notes      []string  `json:"notes"`
	Changes    []Change  `json:"changes"`
	DurationMS float64   `json:"duration_ms"`
}

// Change is one change of the document.
type Change struct {
	Control   string          `json:"control"`
	Standards string          `json:"standards"`
	Path      string          `json:"path"`
	From      json.RawMessage `json:"from"`
	To        json.RawMessage `json:"to"`
}

// The decisions that a line can say.
const (
	Hardened   = "hardened"
	Audited    = "audited"  // mode audit: the line says what would have been changed
	Exempted   = "exempted" // handed off unchanged
	Refused    = "refused"
	Failed     = "failed"
	BreakGlass = "break-glass"
)

// The verbs of a grant of more privilege, whose lines runcladctl writes. All
// others are the shim's.
const (
	Grant = "grant"
	End   = "end"
)

// Verbs are all that a line can have.
var Verbs = [...]string{"create", "run", "restore", "exec", "start", Grant, End}

// The ways in which a container can have been let pass.
const (
	Enforce = "enforce"
	Audit   = "audit"
	Exempt  = "exempted"
)

// Mode is how what the line is about was let pass.
func (e *Entry) Mode() string {
	switch e.Decision {
	case Audited:
		return Audit
	case Exempted:
		return Exempt
	}
	return Enforce
}

// Creates reports whether the line is about a container rather than a process
// in one.
func (e *Entry) Creates() bool {
	return e.Verb == "create" || e.Verb == "run" || e.Verb == "restore"
}

// Passed reports whether the container or process was handed to the runtime.
func (e *Entry) Passed() bool { return e.Decision != Refused && e.Decision != Failed }

// RefusedBy returns the controls that refused: those that the line lists, or
// the one that its reason names, for lines of versions that list none.
func (e *Entry) RefusedBy() []string {
	if len(e.Controls) > 0 || e.Decision != Refused {
		return e.Controls
	}
	var out []string
	for _, m := range inReason.FindAllStringSubmatch(e.Reason, -1) {
		out = append(out, m[1])
	}
	return out
}

// Parse reads one line.
func Parse(line []byte) (*Entry, error) {
	var e Entry
	if err := json.Unmarshal(line, &e); err != nil {
		return nil, err
	}
	if e.Time.IsZero() || e.Decision == "" || e.Verb == "" {
		return nil, fmt.Errorf("time, decision or verb is missing")
	}
	return &e, nil
}
