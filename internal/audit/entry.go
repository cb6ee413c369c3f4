// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"time"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

// The decisions.
const (
	Hardened = "hardened" // handed to the runtime, with these changes
	Audited  = "audited"  // handed to the runtime as it was; these changes, or the reason, would have been
	Exempted = "exempted" // handed to the runtime as it was: the policy says so
	Refused  = "refused"  // a control does not let it pass
	Failed   = "failed"   // something went wrong; nothing was started
	// BreakGlass is an exec with more privilege than its container has, or that
	// this was granted; the reason says why and by whom.
	BreakGlass = "break-glass"
)

// Entry is one decision.
type Entry struct {
	Time      time.Time
	Decision  string
	Verb      string // create, run, restore, exec, start; of a grant: grant, end
	Container string
	Workload  workload.Workload
	Profile   string
	Policy    string // the policy's files, "" for the built-in defaults
	Rule      string // the policy's rule that matched, "" for none
	// Exemptions names each loosening that is in force.
	Exemptions []string
	UID, GID   *uint32 // whom it runs as, nil if that was not decided
	Block      string  // how the metadata block is set; see record.Record
	Changes    []spec.Change
	Notes      []string // what is odd and was let pass
	Reason     string   // of a refusal or failure
	Controls   []string // those that refuse
	Allow      []string // the policy lines that would let it pass, under [profile.Profile]
	Duration   time.Duration
}

// maxValue bounds what a line shows of a value before or after a change.
const maxValue = 160

// Line returns the entry as one line of JSON. Times are RFC 3339 in UTC, the
// duration is in milliseconds. Empty members are left out.
func (e *Entry) Line() []byte {
	ms := spec.Int(e.Duration.Milliseconds())
	if e.Duration < 10*time.Millisecond {
		ms = spec.Decimal(float64(e.Duration.Microseconds()) / 1000)
	}
	line := spec.Map(
		spec.M("time", spec.Text(e.Time.UTC().Format(time.RFC3339Nano))),
		spec.M("decision", spec.Text(e.Decision)),
		spec.M("verb", spec.Text(e.Verb)),
		spec.M("engine", text(e.Workload.Engine)),
		spec.M("container", text(e.Container)),
		spec.M("name", text(e.Workload.Name)),
		spec.M("image", text(e.Workload.Image)),
		spec.M("image_id", text(e.Workload.ImageID)),
		spec.M("namespace", text(e.Workload.Namespace)),
		spec.M("pod", text(e.Workload.Pod)),
		spec.M("sandbox", flag(e.Workload.Sandbox)),
		spec.M("profile", text(e.Profile)),
		spec.M("policy", text(e.Policy)),
		spec.M("rule", text(e.Rule)),
		spec.M("exemptions", texts(e.Exemptions)),
		spec.M("uid", id(e.UID)),
		spec.M("gid", id(e.GID)),
		spec.M("metadata", text(e.Block)),
		spec.M("controls", texts(e.Controls)),
		spec.M("allow", texts(e.Allow)),
		spec.M("reason", text(e.Reason)),
		spec.M("notes", texts(e.Notes)),
		spec.M("changes", changes(e.Changes)),
		spec.M("duration_ms", ms),
	)
	return append(line.Append(make([]byte, 0, 8<<10)), '\n')
}

func changes(list []spec.Change) *spec.Value {
	if len(list) == 0 {
		return nil
	}
	out := make([]*spec.Value, len(list))
	for i, c := range list {
		out[i] = spec.Map(
			spec.M("control", spec.Text(c.Step)),
			spec.M("standards", text(control.Standards(c.Step))),
			spec.M("path", spec.Text(c.Path)),
			spec.M("from", short(c.From)),
			spec.M("to", short(c.To)),
		)
	}
	return spec.List(out...)
}

// short keeps small values as they are and cuts the text of large ones.
func short(v *spec.Value) *spec.Value {
	if v == nil {
		return nil
	}
	s, whole := v.Start(maxValue)
	if whole {
		return v.Clone()
	}
	return spec.Text(s + "…")
}

func text(s string) *spec.Value {
	if s == "" {
		return nil
	}
	return spec.Text(s)
}

func texts(ss []string) *spec.Value {
	if len(ss) == 0 {
		return nil
	}
	return spec.Texts(ss...)
}

func flag(b bool) *spec.Value {
	if !b {
		return nil
	}
	return spec.Flag(true)
}

func id(n *uint32) *spec.Value {
	if n == nil {
		return nil
	}
	return spec.Int(int64(*n))
}
