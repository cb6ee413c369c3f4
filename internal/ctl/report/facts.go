// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/ctl/node"
	"github.com/runclad/runclad/internal/ctl/text"
	"github.com/runclad/runclad/internal/harden"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/workload"
	"github.com/runclad/runclad/profiles"
)

// fact is one thing that is asked of a running container.
type fact func(*Subject) Answer

// maxNamed is how many processes an evidence names.
const maxNamed = 4

// processFact asks something of each process of the container.
func processFact(good string, bad func(*node.Status) string) fact {
	return func(s *Subject) Answer {
		if err := s.doubt(node.PartProcesses); err != nil {
			return cannotTell(err)
		}
		if found := named(s.Live.Processes, bad); found != "" {
			return notMet("%s", found)
		}
		return met("%s: %s", text.Count(len(s.Live.Processes), "process"), good)
	}
}

// named lists the processes of which bad has something to say, "" for none.
func named(processes []*node.Status, bad func(*node.Status) string) string {
	var found []string
	for _, p := range processes {
		if what := bad(p); what != "" {
			found = append(found, fmt.Sprintf("process %d (%s) %s", p.PID, p.Name, what))
		}
	}
	if n := len(found) - maxNamed; n > 0 {
		found = append(found[:maxNamed], fmt.Sprintf("and %s more", text.Count(n, "process")))
	}
	return strings.Join(found, ", ")
}

var (
	noCapabilities = processFact("no capability in any set", func(p *node.Status) string {
		if p.Capabilities() == 0 {
			return ""
		}
		return "has " + capNames(p.Capabilities())
	})
	nonRoot = processFact("no UID is 0", func(p *node.Status) string {
		if slices.Contains(p.UID[:], 0) {
			return "runs as UID 0"
		}
		return ""
	})
	noRootGroup = processFact("no group is 0", func(p *node.Status) string {
		if slices.Contains(p.GID[:], 0) || slices.Contains(p.Groups, 0) {
			return "is in group 0"
		}
		return ""
	})
	noNewPrivs = processFact("no_new_privs is set", func(p *node.Status) string {
		if p.NoNewPrivs {
			return ""
		}
		return "has no no_new_privs"
	})
	seccompFilter = processFact("a seccomp filter is loaded", func(p *node.Status) string {
		if p.Seccomp == 2 || p.Seccomp == 1 {
			return ""
		}
		return "has no seccomp filter"
	})
)

// rootfsReadOnly looks at the mount of /.
func rootfsReadOnly(s *Subject) Answer {
	if err := s.doubt(node.PartMounts); err != nil {
		return cannotTell(err)
	}
	root := s.mount("/")
	if root == nil {
		return cannotTell(errNotRead)
	}
	return because(readOnly(root), "/ is mounted %s", root.Options)
}

// ownNamespace asks whether a namespace is not the host's.
func ownNamespace(name string) fact {
	return func(s *Subject) Answer {
		if err := s.doubt(node.PartNamespaces); err != nil {
			return cannotTell(err)
		}
		if s.Live.Shared[name] {
			return notMet("the %s namespace is the host's", name)
		}
		return met("the %s namespace is not the host's", name)
	}
}

// userNamespace: the clause is about giving up a remapping that the engine has.
func userNamespace(s *Subject) Answer {
	if err := s.doubt(node.PartNamespaces); err != nil {
		return cannotTell(err)
	}
	if !s.Live.Shared["user"] {
		return met("the container has a user namespace of its own")
	}
	if err := s.doubt(node.PartProcesses); err != nil {
		return cannotTell(err)
	}
	if uid := s.Live.Processes[0].UID[1]; uid > 10000 {
		return notApplicable("no user namespace is used; the container runs as UID %d, which is nobody's on the host", uid)
	}
	return notMet("no user namespace is used, and UID %d is the host's UID %d", s.Live.Processes[0].UID[1], s.Live.Processes[0].UID[1])
}

// notPrivileged looks for what --privileged leaves behind.
func notPrivileged(s *Subject) Answer {
	for _, part := range []string{node.PartProcesses, node.PartMounts} {
		if err := s.doubt(part); err != nil {
			return cannotTell(err)
		}
	}
	for _, p := range s.Live.Processes {
		if set := p.Capabilities(); set&(1<<profiles.Capability("CAP_SYS_ADMIN")) != 0 && set&(1<<profiles.Capability("CAP_SYS_MODULE")) != 0 {
			return notMet("process %d (%s) has %s", p.PID, p.Name, capNames(set))
		}
	}
	if sys := s.mount("/sys"); sys != nil && sys.FSType == "sysfs" && !readOnly(sys) {
		return notMet("/sys is writable")
	}
	return met("no process has CAP_SYS_ADMIN with CAP_SYS_MODULE, /sys is not writable")
}

func noSensitivePaths(s *Subject) Answer {
	if err := s.doubt(node.PartMounts); err != nil {
		return cannotTell(err)
	}
	var found []string
	binds := s.binds()
	for _, b := range binds {
		if harm := harden.HostPath(s.Container.Engine, b.from, b.at, b.readOnly); harm != "" {
			found = append(found, fmt.Sprintf("%s at %s: %s", b.from, b.at, harm))
		}
	}
	if len(found) > 0 {
		return notMet("%s", strings.Join(found, ", "))
	}
	return met("%s of the host, none of a sensitive place", text.Count(len(binds), "mount"))
}

func noEngineSocket(s *Subject) Answer {
	if err := s.doubt(node.PartMounts); err != nil {
		return cannotTell(err)
	}
	for _, m := range s.Live.Mounts {
		if harden.EngineSocket(m.Root) || harden.EngineSocket(m.Mountpoint) {
			return notMet("an engine's socket is mounted at %s", m.Mountpoint)
		}
	}
	return met("no engine's socket is mounted")
}

func notShared(s *Subject) Answer {
	if err := s.doubt(node.PartMounts); err != nil {
		return cannotTell(err)
	}
	var found []string
	for _, m := range s.Live.Mounts {
		if strings.Contains(m.Optional, "shared:") {
			found = append(found, m.Mountpoint)
		}
	}
	if len(found) > 0 {
		return notMet("mounts that propagate to the host: %s", strings.Join(found, " "))
	}
	return met("no mount propagates to the host")
}

func noDevices(s *Subject) Answer {
	if err := s.doubt(node.PartDevices); err != nil {
		return cannotTell(err)
	}
	if len(s.Live.Devices) > 0 {
		return notMet("devices of the host: %s", strings.Join(s.Live.Devices, ", "))
	}
	return met("/dev has only the devices of every container")
}

func limited(what string, part func(*node.Live) node.Limit) fact {
	return func(s *Subject) Answer {
		l := part(s.Live)
		if !l.Known {
			return cannotTell(fmt.Errorf("no cgroup of the container shows a limit of %s", what))
		}
		return because(l.Max > 0, "%s", l.Text)
	}
}

func noCoreFiles(s *Subject) Answer {
	if err := s.doubt(node.PartLimits); err != nil {
		return cannotTell(err)
	}
	if s.Live.CoreHard == 0 {
		return met("core files are limited to 0 bytes")
	}
	return notMet("core files are not limited to 0 bytes (soft %d, hard %d)", s.Live.CoreSoft, s.Live.CoreHard)
}

func ownCgroup(s *Subject) Answer {
	if err := s.doubt(node.PartMounts); err != nil {
		return cannotTell(err)
	}
	if len(s.Container.Cgroups) == 0 {
		return notMet("the container has no cgroup of its own")
	}
	for _, m := range s.Live.Mounts {
		if strings.HasPrefix(m.FSType, "cgroup") && !readOnly(m) {
			return notMet("the cgroup filesystem at %s is writable", m.Mountpoint)
		}
	}
	return met("a cgroup of its own, and no cgroup filesystem is writable")
}

func masked(s *Subject) Answer {
	if err := s.doubt(node.PartMounts); err != nil {
		return cannotTell(err)
	}
	var open []string
	for _, p := range s.Masked {
		if s.mount(p) == nil {
			open = append(open, p+" is not masked")
		}
	}
	for _, p := range s.ReadOnly {
		if m := s.mount(p); m == nil || !readOnly(m) {
			open = append(open, p+" is not read-only")
		}
	}
	if len(open) > 0 {
		return notMet("%s", strings.Join(open, ", "))
	}
	return met("%d paths are masked, %d read-only", len(s.Masked), len(s.ReadOnly))
}

// safeSysctls reads the spec: which sysctls were set for a container, no file in
// /proc says.
func safeSysctls(s *Subject) Answer {
	if s.Container.Spec == nil {
		return cannotTell(fmt.Errorf("the bundle's config.json could not be read, and the kernel does not say which sysctls were set"))
	}
	var unsafe []string
	n := 0
	for _, m := range s.Container.Spec.Get("linux", "sysctl").Members() {
		n++
		if !harden.SafeSysctl(m.Name) {
			unsafe = append(unsafe, m.Name)
		}
	}
	if len(unsafe) > 0 {
		return notMet("sysctls set: %s", strings.Join(unsafe, " "))
	}
	return met("%s in config.json, none of an unsafe one", text.Count(n, "sysctl"))
}

func appArmor(s *Subject) Answer {
	if !s.AppArmor {
		return notApplicable("the kernel does not enforce AppArmor")
	}
	if err := s.doubt(node.PartLabel); err != nil {
		return cannotTell(err)
	}
	return because(s.Live.Label != "" && s.Live.Label != "unconfined" && !strings.Contains(s.Live.Label, "(complain)"), "the label is %q", s.Live.Label)
}

func seLinux(s *Subject) Answer {
	if !s.SELinux {
		return notApplicable("the kernel does not enforce SELinux")
	}
	if err := s.doubt(node.PartLabel); err != nil {
		return cannotTell(err)
	}
	parts := strings.Split(s.Live.Label, ":")
	if len(parts) < 3 {
		return cannotTell(fmt.Errorf("the label is %q", s.Live.Label))
	}
	loose := slices.Contains([]string{"spc_t", "unconfined_t", "container_runtime_t", "unconfined_service_t"}, parts[2])
	return because(!loose, "the label is %s", s.Live.Label)
}

func metadataBlocked(s *Subject) Answer {
	if s.Live.Shared["net"] {
		return notMet("the network is the host's: its metadata endpoints are reachable")
	}
	if err := s.doubt(node.PartMetadata); err != nil {
		return cannotTell(err)
	}
	if !s.Live.Blocked {
		return notMet("no metadata block stands in its network namespace")
	}
	return met("the metadata block stands, and refused %s", text.Count(int(s.Live.Refused()), "packet"))
}

// execs asks of those who entered the container: of what is there now, and of
// what the audit log says of those who were.
func execs(now fact) fact {
	return func(s *Subject) Answer {
		a := now(s)
		if a.Verdict != Met {
			return a
		}
		n := 0
		for _, e := range s.Execs {
			if e.Decision == auditlog.BreakGlass || e.Decision == auditlog.Exempted {
				return notMet("an exec at %s was let pass as it was (%s)", e.Time.UTC().Format("2006-01-02T15:04:05Z"), e.Decision)
			}
			if e.Decision == auditlog.Hardened {
				n++
			}
		}
		a.Evidence += fmt.Sprintf("; %s in the audit log, none of them exempted", text.Count(n, "hardened exec"))
		return a
	}
}

// noCredentials looks at the environment that each process was started with, and
// at the one that the engine asked for: a process may have written over its own.
func noCredentials(s *Subject) Answer {
	for _, part := range []string{node.PartProcesses, node.PartEnvironment} {
		if err := s.doubt(part); err != nil {
			return cannotTell(err)
		}
	}
	found := named(s.Live.Processes, func(p *node.Status) string {
		if len(p.Credentials) == 0 {
			return ""
		}
		return "has " + strings.Join(p.Credentials, " ")
	})
	if found != "" {
		return notMet("variables that look like credentials: %s", found)
	}
	if s.Container.Spec == nil {
		return cannotTell(fmt.Errorf("no process has a variable that looks like a credential; the bundle's config.json, which says what the container was given, could not be read"))
	}
	if names := policy.CredentialNames(s.Container.Spec.Get("process", "env").Strs()); len(names) > 0 {
		return notMet("variables of config.json that look like credentials: %s", strings.Join(names, " "))
	}
	return met("%s and config.json: no variable looks like a credential", text.Count(len(s.Live.Processes), "process"))
}

// listedImage asks whether the policy of now names the images that may run, this
// one among them.
func listedImage(s *Subject) Answer {
	c := s.Container
	if c.Sandbox != "" && c.Sandbox == c.ID {
		return notApplicable("the pause container of a pod, whose image is the engine's choice")
	}
	if c.Bypasses() {
		return notMet("it runs without runclad: no list of images was asked")
	}
	if s.Policy.Err != nil {
		return cannotTell(s.Policy.Err)
	}
	var p *policy.Profile
	if s.Policy.Policy != nil {
		p = s.Policy.Profiles[c.Profile]
	}
	if p == nil {
		return cannotTell(fmt.Errorf("the policy has no profile %q, which the container got", c.Profile))
	}
	if len(p.Images) == 0 {
		return notMet("the profile %s lists no images: any may run", p.Name)
	}
	w := workload.Workload{Image: c.Image}
	if c.Line != nil {
		w.ImageID = c.Line.ImageID
	}
	names := w.ImageNames()
	if len(names) == 0 {
		return cannotTell(fmt.Errorf("the engine does not tell which image it is"))
	}
	if !p.AllowsImage(names) {
		return notMet("the image %s is not among those that the profile %s lists", names[0], p.Name)
	}
	return met("the image %s is among those that the profile %s lists", names[0], p.Name)
}

// audited: no container without a record of who it is.
func audited(s *Subject) Answer {
	c := s.Container
	switch {
	case c.Bypasses():
		return notMet("it runs without runclad: nobody recorded or judged it")
	case c.Line == nil:
		return notMet("it has a record and no line in the audit log")
	}
	return met("recorded, and in the audit log: %s at %s", c.Line.Decision, c.Line.Time.UTC().Format("2006-01-02T15:04:05Z"))
}
