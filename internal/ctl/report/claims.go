// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/ctl/node"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/profiles"
)

// changed maps changes that an audit line tells of to the fact that must then
// be true of the container.
var changed = []struct {
	control, path, what string
	fact                fact
}{
	{"rootfs", "root.readonly", "the root filesystem was made read-only", rootfsReadOnly},
	{"no-new-privileges", "process.noNewPrivileges", "no_new_privs was set", noNewPrivs},
	{"seccomp", "linux.seccomp", "a seccomp filter was set", seccompFilter},
	{"limits", "linux.resources.pids.limit", "the number of processes was limited", limited("processes", func(l *node.Live) node.Limit { return l.Pids })},
}

// disagreements holds what was recorded and logged of a container against how it
// runs. A container that was only audited or handed off was promised nothing.
func disagreements(s *Subject) []string {
	c := s.Container
	if c.Mode != auditlog.Enforce && c.Mode != "" || c.Record == nil {
		return nil
	}
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	r := c.Record
	granted := uint64(0)
	for _, name := range r.Capabilities {
		if i := profiles.Capability(name); i >= 0 {
			granted |= 1 << i
		}
	}
	const setuid, setgid = 1 << 7, 1 << 6 // CAP_SETUID and CAP_SETGID: such a process may become another
	if s.doubt(node.PartProcesses) == nil {
		for _, p := range s.Live.Processes {
			if granted&setuid == 0 && slices.ContainsFunc(p.UID[:], func(id uint32) bool { return id != r.HostUID }) {
				add("the record says UID %d, and process %d (%s) runs as %v", r.HostUID, p.PID, p.Name, p.UID)
			}
			if granted&setgid == 0 && slices.ContainsFunc(p.GID[:], func(id uint32) bool { return id != r.HostGID }) {
				add("the record says GID %d, and process %d (%s) runs as %v", r.HostGID, p.PID, p.Name, p.GID)
			}
			if more := p.Capabilities() &^ granted; more != 0 {
				add("the record says %s, and process %d (%s) has %s too", capNames(granted), p.PID, p.Name, capNames(more))
			}
		}
	}
	if r.Block != record.BlockAllowed && s.doubt(node.PartMetadata) == nil && !s.Live.Blocked {
		add("the record says that the metadata endpoints are blocked, and no block stands in the network namespace")
	}
	if c.Line == nil || c.Line.Mode() != auditlog.Enforce {
		return out
	}
	if c.Line.UID != 0 && c.Line.UID != r.UID {
		add("the audit log says UID %d, and the record UID %d", c.Line.UID, r.UID)
	}
	for _, claim := range changed {
		said := slices.ContainsFunc(c.Line.Changes, func(ch auditlog.Change) bool { return ch.Control == claim.control && ch.Path == claim.path })
		if !said {
			continue
		}
		if a := claim.fact(s); a.Verdict == NotMet {
			add("the audit log says that %s, and it is not so: %s", claim.what, a.Evidence)
		}
	}
	return out
}
