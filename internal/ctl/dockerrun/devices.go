// SPDX-License-Identifier: Apache-2.0

package dockerrun

import (
	"fmt"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/internal/ctl/enginespec"
)

// devices takes --device and --device-cgroup-rule; a privileged container gets
// every device of the host.
func (m *maker) devices() error {
	l := m.Spec.Linux
	if m.privileged {
		l.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}
		l.Devices = enginespec.HostDevices()
		return nil
	}
	l.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}}
	for _, n := range [][2]int64{{1, 5}, {1, 3}, {1, 9}, {1, 8}, {5, 0}, {5, 1}} {
		l.Resources.Devices = append(l.Resources.Devices, rule(true, "c", n[0], n[1], "rwm"))
	}
	l.Resources.Devices = append(l.Resources.Devices, rule(false, "c", 10, 229, "rwm"))
	for _, d := range m.options.devices {
		if strings.Contains(d, "=") && !strings.HasPrefix(d, "/") {
			m.Run.unknown("--device %s: what its CDI specification would add", d)
			continue
		}
		source, rest, _ := strings.Cut(d, ":")
		dest, access, _ := strings.Cut(rest, ":")
		if dest != "" && strings.Trim(dest, "rwm") == "" {
			dest, access = "", dest
		}
		if dest == "" {
			dest = source
		}
		if access == "" {
			access = "rwm"
		}
		dev, err := enginespec.Device(source, dest)
		if err != nil {
			return fmt.Errorf("--device %s: %w", d, err)
		}
		l.Devices = append(l.Devices, *dev)
		l.Resources.Devices = append(l.Resources.Devices, rule(true, dev.Type, dev.Major, dev.Minor, access))
	}
	for _, r := range m.deviceRules {
		one, err := parseRule(r)
		if err != nil {
			return fmt.Errorf("--device-cgroup-rule %q: %w", r, err)
		}
		l.Resources.Devices = append(l.Resources.Devices, one)
	}
	return nil
}

func rule(allow bool, typ string, major, minor int64, access string) specs.LinuxDeviceCgroup {
	return specs.LinuxDeviceCgroup{Allow: allow, Type: typ, Major: &major, Minor: &minor, Access: access}
}

// parseRule reads "c 10:200 rwm"; * stands for every number.
func parseRule(text string) (specs.LinuxDeviceCgroup, error) {
	f := strings.Fields(text)
	if len(f) != 3 {
		return specs.LinuxDeviceCgroup{}, fmt.Errorf("want TYPE MAJOR:MINOR ACCESS")
	}
	out := specs.LinuxDeviceCgroup{Allow: true, Type: f[0], Access: f[2]}
	major, minor, _ := strings.Cut(f[1], ":")
	for _, n := range []struct {
		text string
		to   **int64
	}{{major, &out.Major}, {minor, &out.Minor}} {
		v := int64(-1)
		if n.text != "*" {
			var err error
			if v, err = strconv.ParseInt(n.text, 10, 32); err != nil {
				return out, err
			}
		}
		*n.to = &v
	}
	return out, nil
}
