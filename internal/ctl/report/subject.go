// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"path"
	"strings"

	"github.com/moby/sys/mountinfo"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/ctl/node"
	"github.com/runclad/runclad/profiles"
)

// Subject is one running container, with what is known of it.
type Subject struct {
	Container *node.Container
	Live      *node.Live
	// Policy is the one that holds now.
	Policy node.Policy
	// Execs are the lines of the audit log about processes that entered it since
	// it was created.
	Execs []*auditlog.Entry
	// AppArmor and SELinux say whether the node's kernel enforces that module.
	AppArmor, SELinux bool
	// Masked are those of the paths that are to be hidden that the node has.
	Masked, ReadOnly []string
}

// doubt is why a part of what is known could not be read, nil if it was.
func (s *Subject) doubt(part string) error {
	if err := s.Live.Doubts[part]; err != nil {
		return fmt.Errorf("%s: %w", part, err)
	}
	switch part {
	case node.PartProcesses:
		if len(s.Live.Processes) == 0 {
			return errNotRead
		}
	case node.PartMounts:
		if len(s.Live.Mounts) == 0 {
			return errNotRead
		}
	case node.PartNamespaces:
		if len(s.Live.Shared) == 0 {
			return errNotRead
		}
	}
	return nil
}

// mount returns what is mounted at a path: the last mount there.
func (s *Subject) mount(at string) *mountinfo.Info {
	var found *mountinfo.Info
	for _, m := range s.Live.Mounts {
		if m.Mountpoint == at {
			found = m
		}
	}
	return found
}

// readOnly reports whether a mount cannot be written through: by itself, or by
// its filesystem.
func readOnly(m *mountinfo.Info) bool {
	return has(m.Options, "ro") || has(m.VFSOptions, "ro")
}

func has(options, want string) bool {
	for o := range strings.SplitSeq(options, ",") {
		if o == want {
			return true
		}
	}
	return false
}

// hostPath is where on the host a mount of the container comes from, "" if it is
// of a filesystem that the host does not show: one of the container's own.
func (s *Subject) hostPath(m *mountinfo.Info) string {
	best, found := -1, ""
	for _, h := range s.Live.Host {
		if h.Major != m.Major || h.Minor != m.Minor || len(h.Root) <= best {
			continue
		}
		rest, ok := strings.CutPrefix(m.Root, strings.TrimSuffix(h.Root, "/"))
		if ok && (rest == "" || rest[0] == '/') {
			best, found = len(h.Root), path.Join(h.Mountpoint, rest)
		}
	}
	return found
}

// bind is a mount of something of the host's in the container.
type bind struct {
	from, at string
	readOnly bool
}

// binds lists what of the host is mounted, the image itself left out.
func (s *Subject) binds() []bind {
	image := ""
	if root := s.mount("/"); root != nil {
		image = s.hostPath(root)
	}
	var out []bind
	for _, m := range s.Live.Mounts {
		if m.Mountpoint == "/" || own(m) {
			continue
		}
		from := s.hostPath(m)
		if from == "" || image != "" && image != "/" && (from == image || strings.HasPrefix(from, image+"/")) {
			continue
		}
		out = append(out, bind{from, m.Mountpoint, readOnly(m)})
	}
	return out
}

// own knows the kernel's filesystems at the places where every container has
// them, and what masks parts of them.
func own(m *mountinfo.Info) bool {
	for _, dir := range [...]string{"/proc", "/sys", "/dev/pts", "/dev/mqueue", "/dev/console"} {
		if m.Mountpoint == dir || strings.HasPrefix(m.Mountpoint, dir+"/") {
			return true
		}
	}
	return false
}

// capNames names the capabilities of a set.
func capNames(set uint64) string {
	var out []string
	for i, name := range profiles.Capabilities {
		if set&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	if len(out) == len(profiles.Capabilities) {
		return "all capabilities"
	}
	if len(out) == 0 {
		return "no capability"
	}
	return strings.Join(out, " ")
}
