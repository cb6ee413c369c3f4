// SPDX-License-Identifier: Apache-2.0

package dockerrun

import (
	"encoding/csv"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/go-units"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// defaultMounts are those of each container (moby, daemon/pkg/oci,
// DefaultLinuxSpec).
func (m *maker) defaultMounts() ([]specs.Mount, error) {
	ro := []string{"ro"}
	if m.privileged {
		ro = nil
	}
	none := []string{"nosuid", "noexec", "nodev"}
	out := []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: none},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: append(slices.Clone(none), ro...)},
		{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: append(slices.Clone(ro), none...)},
		{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: none},
	}
	switch {
	case m.ipc == "host":
		out = append(out, bind("/dev/shm", "/dev/shm", "rprivate"))
	case strings.HasPrefix(m.ipc, "container:"), m.ipc == "none":
	case m.ipc == "shareable":
		out = append(out, bind("/dev/shm", path.Join(DataRoot, "containers", ID, "mounts/shm"), "rprivate"))
	default:
		size := int64(64 << 20)
		if m.shmSize != "" {
			var err error
			if size, err = units.RAMInBytes(m.shmSize); err != nil {
				return nil, fmt.Errorf("--shm-size: %w", err)
			}
		}
		out = append(out, specs.Mount{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: append(slices.Clone(none), "mode=1777", fmt.Sprintf("size=%d", size))})
	}
	propagation := []string{"rprivate"}
	if m.readOnly {
		propagation = []string{"ro", "rprivate"}
	}
	for _, file := range []string{"resolv.conf", "hostname", "hosts"} {
		out = append(out, bind("/etc/"+file, path.Join(DataRoot, "containers", ID, file), propagation...))
	}
	return out, nil
}

func bind(dest, source string, options ...string) specs.Mount {
	return specs.Mount{Destination: dest, Type: "bind", Source: source, Options: append([]string{"rbind"}, options...)}
}

func (m *maker) mounts() error {
	all, err := m.defaultMounts()
	if err != nil {
		return err
	}
	var asked []specs.Mount
	for _, v := range m.volumes {
		one, err := m.volume(v)
		if err != nil {
			return fmt.Errorf("--volume %s: %w", v, err)
		}
		asked = append(asked, one)
	}
	for _, v := range m.options.mounts {
		one, err := m.mount(v)
		if err != nil {
			return fmt.Errorf("--mount %s: %w", v, err)
		}
		asked = append(asked, one)
	}
	for _, t := range m.tmpfs {
		dest, opts, _ := strings.Cut(t, ":")
		options := []string{"noexec", "nosuid", "nodev", "rprivate"}
		for o := range strings.SplitSeq(opts, ",") {
			if o != "" {
				options = setOption(options, o)
			}
		}
		asked = append(asked, specs.Mount{Destination: dest, Type: "tmpfs", Source: "tmpfs", Options: options})
	}
	for _, dest := range slices.Sorted(maps.Keys(m.image.Config.Volumes)) {
		if !slices.ContainsFunc(asked, func(a specs.Mount) bool { return a.Destination == dest }) {
			asked = append(asked, anonymous(dest))
		}
	}
	if m.init {
		asked = append(asked, specs.Mount{Destination: "/sbin/docker-init", Type: "bind", Source: "/usr/bin/docker-init", Options: []string{"bind", "ro"}})
	}
	if m.apiSocket {
		asked = append(asked, bind("/var/run/docker.sock", "/var/run/docker.sock", "rprivate"))
	}
	for _, a := range asked {
		// A mount of the user's takes the place of dockerd's own.
		all = slices.DeleteFunc(all, func(d specs.Mount) bool { return d.Destination == a.Destination })
	}
	m.Spec.Mounts = append(all, asked...)
	for _, a := range asked {
		if slices.Contains(a.Options, "rshared") || slices.Contains(a.Options, "shared") {
			m.Spec.Linux.RootfsPropagation = "shared"
		}
	}
	return nil
}

// setOption puts an option in the place of the one that it contradicts.
func setOption(options []string, o string) []string {
	opposite := "no" + o
	if rest, ok := strings.CutPrefix(o, "no"); ok {
		opposite = rest
	}
	options = slices.DeleteFunc(options, func(have string) bool { return have == o || have == opposite })
	return append(options, o)
}

func anonymous(dest string) specs.Mount {
	return bind(dest, path.Join(DataRoot, "volumes", ID, "_data"))
}

var propagations = []string{"private", "rprivate", "shared", "rshared", "slave", "rslave"}

// volume reads [SOURCE:]DEST[:OPTIONS].
func (m *maker) volume(text string) (specs.Mount, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) == 1 {
		return anonymous(parts[0]), nil
	}
	readOnly, propagation := false, ""
	if len(parts) == 3 {
		for o := range strings.SplitSeq(parts[2], ",") {
			switch {
			case o == "ro":
				readOnly = true
			case slices.Contains(propagations, o):
				propagation = o
			case slices.Contains([]string{"rw", "z", "Z", "nocopy", "consistent", "cached", "delegated"}, o):
			default:
				return specs.Mount{}, fmt.Errorf("option %q is not known", o)
			}
		}
	}
	return made(parts[0], parts[1], readOnly, propagation)
}

// made is a bind of a host's path, or a named volume.
func made(source, dest string, readOnly bool, propagation string) (specs.Mount, error) {
	if !path.IsAbs(dest) {
		return specs.Mount{}, fmt.Errorf("%q is no absolute path", dest)
	}
	var options []string
	if readOnly {
		options = append(options, "ro")
	}
	if strings.ContainsRune(source, '/') || source == "." {
		abs, err := filepath.Abs(source)
		if err != nil {
			return specs.Mount{}, err
		}
		if propagation == "" {
			if propagation = "rprivate"; within(DataRoot, abs) {
				propagation = "rslave" // else the container would keep dockerd's own mounts busy
			}
		}
		return bind(dest, abs, append(options, propagation)...), nil
	}
	if propagation != "" {
		options = append(options, propagation)
	}
	return bind(dest, path.Join(DataRoot, "volumes", source, "_data"), options...), nil
}

func within(p, dir string) bool {
	return p == dir || dir == "/" || strings.HasPrefix(p, dir+"/")
}

// mount reads the fields of --mount, which are CSV.
func (m *maker) mount(text string) (specs.Mount, error) {
	fields, err := csv.NewReader(strings.NewReader(text)).Read()
	if err != nil {
		return specs.Mount{}, err
	}
	kind, source, dest, readOnly, propagation := "volume", "", "", false, ""
	tmpfs := []string{"noexec", "nosuid", "nodev", "rprivate"}
	for _, f := range fields {
		key, value, has := strings.Cut(f, "=")
		switch strings.ToLower(key) {
		case "type":
			kind = value
		case "source", "src":
			source = value
		case "destination", "dst", "target":
			dest = value
		case "readonly", "ro":
			readOnly = !has || value == "true" || value == "1"
		case "bind-propagation":
			propagation = value
		case "tmpfs-size":
			n, err := units.RAMInBytes(value)
			if err != nil {
				return specs.Mount{}, err
			}
			tmpfs = append(tmpfs, fmt.Sprintf("size=%d", n))
		case "tmpfs-mode":
			tmpfs = append(tmpfs, "mode="+value)
		case "consistency", "volume-nocopy", "volume-label", "bind-recursive", "volume-driver", "volume-opt", "volume-subpath":
			if key == "volume-opt" {
				m.Run.unknown("--mount %s: where the volume's driver would have it", text)
			}
		default:
			return specs.Mount{}, fmt.Errorf("field %q is not known", key)
		}
	}
	switch kind {
	case "tmpfs":
		if readOnly {
			tmpfs = append(tmpfs, "ro")
		}
		return specs.Mount{Destination: dest, Type: "tmpfs", Source: "tmpfs", Options: tmpfs}, nil
	case "bind":
		if !path.IsAbs(source) && !strings.ContainsRune(source, '/') {
			source = "./" + source
		}
		return made(source, dest, readOnly, propagation)
	case "volume":
		if source == "" {
			return anonymous(dest), nil
		}
		return made(source, dest, readOnly, propagation)
	}
	return specs.Mount{}, fmt.Errorf("type %q is not known", kind)
}
