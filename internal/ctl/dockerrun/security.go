// SPDX-License-Identifier: Apache-2.0

package dockerrun

import (
	"fmt"
	"os"
	"strings"

	moby "github.com/moby/profiles/seccomp"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/internal/ctl/enginespec"
)

// capabilities: those of a process that does not start as root are in the
// bounding set alone.
func (m *maker) capabilities() error {
	have, err := enginespec.Capabilities(m.capAdd, m.capDrop, m.privileged)
	if err != nil {
		return fmt.Errorf("--cap-add, --cap-drop: %w", err)
	}
	caps := &specs.LinuxCapabilities{Bounding: have}
	if m.Spec.Process.User.UID == 0 {
		caps.Effective, caps.Permitted = have, have
	}
	m.Spec.Process.Capabilities = caps
	return nil
}

// security takes --privileged and --security-opt.
func (m *maker) security() error {
	s := m.Spec
	seccomp, apparmor, systempaths := "", "", false
	for _, opt := range m.securityOpts {
		key, value, ok := strings.Cut(opt, "=")
		if !ok {
			key, value, ok = strings.Cut(opt, ":")
		}
		switch {
		case key == "no-new-privileges":
			s.Process.NoNewPrivileges = !ok || value == "true"
		case key == "seccomp":
			seccomp = value
		case key == "apparmor":
			apparmor = value
		case key == "systempaths" && value == "unconfined":
			systempaths = true
		case key == "label" && value == "disable":
		case key == "label":
			m.Run.unknown("--security-opt %s: the SELinux label that comes of it", opt)
		case key == "writable-cgroups":
		default:
			return fmt.Errorf("--security-opt %q is not known", opt)
		}
	}
	if !m.privileged && !systempaths {
		s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = enginespec.MaskedPaths, enginespec.ReadonlyPaths
	}
	if apparmor == "" {
		if apparmor = "docker-default"; m.privileged {
			apparmor = "unconfined"
		}
	}
	if b, err := os.ReadFile("/sys/module/apparmor/parameters/enabled"); err == nil && strings.HasPrefix(string(b), "Y") {
		s.Process.ApparmorProfile = apparmor
	}
	var err error
	switch {
	case seccomp == "unconfined" || seccomp == "" && m.privileged:
	case seccomp == "" || seccomp == "builtin":
		s.Linux.Seccomp, err = moby.GetDefaultProfile(s)
	default:
		var data []byte
		if data, err = os.ReadFile(seccomp); err == nil {
			s.Linux.Seccomp, err = moby.LoadProfile(string(data), s)
		}
	}
	if err != nil {
		return fmt.Errorf("--security-opt seccomp: %w", err)
	}
	return nil
}
