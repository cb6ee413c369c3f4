// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	moby "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/profiles"
	"github.com/runclad/runclad/profiles/filter"
	"github.com/runclad/runclad/profiles/syscalls"
)

func seccompCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "seccomp",
		GroupID: groupCheck,
		Short:   "Seccomp profiles: show, explain, diff, check, compile",
		Long: `Looks at seccomp profiles by what they decide.

Where a command takes a profile, it is runclad, runclad:strict, docker (Docker's
current default with its usual capabilities), docker:nocaps, or a file: an OCI
seccomp object, a config.json, or a profile in Docker's format. "-" is the
standard input.`,
		Args: noCommand,
		RunE: noCommand,
	}
	cmd.AddCommand(seccompShowCommand(), seccompExplainCommand(), seccompDiffCommand(), seccompCheckCommand(), seccompCompileCommand())
	return cmd
}

// profileNames are those that stand for a profile without a file.
var profileNames = []cobra.Completion{"runclad", "runclad:strict", "docker", "docker:nocaps"}

// completeProfiles offers the names, and files.
func completeProfiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return profileNames, cobra.ShellCompDirectiveDefault
}

// choice is what the options choose: the profile that create would make.
type choice struct {
	level, caps, runtime, arch string
	device                     bool
}

func (c *choice) flags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&c.level, "level", "default", "the level of the policy: default, strict or engine")
	fs.StringVar(&c.caps, "caps", "", "the capabilities that the container keeps, separated by commas")
	fs.StringVar(&c.runtime, "runtime", "runc", "the runtime that loads the profile: runc or crun")
	fs.StringVar(&c.arch, "arch", runtime.GOARCH, "the architecture, as Go names it: amd64 or arm64")
	fs.BoolVar(&c.device, "device", false, "the container is given a device")
	completeFlag(cmd, "level", "default", "strict", "engine")
	completeFlag(cmd, "runtime", "runc", "crun")
	completeFlag(cmd, "arch", "amd64", "arm64")
	completeFlag(cmd, "caps", profiles.Capabilities[:]...)
}

func (c *choice) set() (syscalls.Caps, error) {
	var set syscalls.Caps
	switch c.level {
	case "default", "engine":
	case "strict":
		set |= syscalls.Strict
	default:
		return 0, fmt.Errorf("level %q is none of default, strict, engine", c.level)
	}
	if c.runtime != "runc" && c.runtime != "crun" {
		return 0, fmt.Errorf("runtime %q is neither runc nor crun", c.runtime)
	}
	if c.device {
		set |= syscalls.Device
	}
	for name := range strings.FieldsFuncSeq(c.caps, func(r rune) bool { return r == ',' || r == ' ' }) {
		n := slices.Index(profiles.Capabilities[:], "CAP_"+strings.TrimPrefix(strings.ToUpper(name), "CAP_"))
		if n < 0 {
			return 0, fmt.Errorf("%q is no capability (capabilities(7))", name)
		}
		set |= 1 << n
	}
	return set, nil
}

// profile returns the chosen profile as OCI JSON.
func (c *choice) profile() ([]byte, error) {
	set, err := c.set()
	if err != nil {
		return nil, err
	}
	return syscalls.Profile(c.arch, set)
}

// capNames returns the names of a set of capabilities.
func capNames(set syscalls.Caps) []string {
	var out []string
	for i, name := range profiles.Capabilities {
		if set&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	if set&syscalls.Device != 0 {
		out = append(out, "a device")
	}
	return out
}

// dockerCaps are the capabilities of a Docker container without options (moby,
// daemon/pkg/oci/caps, DefaultCapabilities).
var dockerCaps = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
	"CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
}

func dockerSpec(caps []string) *specs.Spec {
	return &specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{Bounding: caps}}}
}

// load returns the OCI seccomp object that a name or a file stands for.
func load(name string) (*spec.Value, error) {
	var raw []byte
	var err error
	switch name {
	case "runclad":
		raw, err = syscalls.Profile(runtime.GOARCH, 0)
	case "runclad:strict":
		raw, err = syscalls.Profile(runtime.GOARCH, syscalls.Strict)
	case "docker", "docker:nocaps":
		caps := dockerCaps
		if name != "docker" {
			caps = nil
		}
		var p *specs.LinuxSeccomp
		if p, err = moby.GetDefaultProfile(dockerSpec(caps)); err == nil {
			raw, err = json.Marshal(p)
		}
	default:
		raw, err = readProfile(name)
	}
	if err != nil {
		return nil, err
	}
	v, err := spec.ParseValue(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if inner := v.Get("linux", "seccomp"); inner != nil {
		return inner, nil
	}
	if v.Get("ociVersion") != nil {
		return nil, fmt.Errorf("%s: a config.json without linux.seccomp: its container is unconfined", name)
	}
	if dockerFormat(v) {
		p, err := moby.LoadProfile(string(raw), dockerSpec(dockerCaps))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if raw, err = json.Marshal(p); err != nil {
			return nil, err
		}
		return spec.ParseValue(raw)
	}
	return v, nil
}

func readProfile(name string) ([]byte, error) {
	in := io.Reader(os.Stdin)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, spec.MaxSize+1))
}

// dockerFormat reports whether a profile has what only Docker's format has:
// architectures by archMap, rules with conditions, a single name.
func dockerFormat(v *spec.Value) bool {
	if v.Get("archMap") != nil {
		return true
	}
	for _, s := range v.Get("syscalls").Elems() {
		if s.Get("includes") != nil || s.Get("excludes") != nil || s.Get("name") != nil {
			return true
		}
	}
	return false
}

func loadFilter(name string) (*filter.Filter, error) {
	v, err := load(name)
	if err != nil {
		return nil, err
	}
	f, err := filter.Parse(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}
