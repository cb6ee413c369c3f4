// SPDX-License-Identifier: Apache-2.0

package enginespec

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Device describes a device node of the host under the name that it gets.
func Device(source, dest string) (*specs.LinuxDevice, error) {
	var st unix.Stat_t
	if err := unix.Stat(source, &st); err != nil {
		return nil, &os.PathError{Op: "stat", Path: source, Err: err}
	}
	typ := ""
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFCHR:
		typ = "c"
	case unix.S_IFBLK:
		typ = "b"
	default:
		return nil, fmt.Errorf("%s is no device", source)
	}
	mode := fs.FileMode(st.Mode & 0o7777)
	return &specs.LinuxDevice{
		Path: dest, Type: typ, Major: int64(unix.Major(uint64(st.Rdev))), Minor: int64(unix.Minor(uint64(st.Rdev))),
		FileMode: &mode, UID: &st.Uid, GID: &st.Gid,
	}, nil
}

// HostDevices lists /dev as engines do for a privileged container (runc and
// containerd, HostDevices).
// What cannot be read is left out.
func HostDevices() []specs.LinuxDevice {
	var out []specs.LinuxDevice
	_ = filepath.WalkDir("/dev", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // left out
		}
		if d.IsDir() {
			switch d.Name() {
			case "pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev":
				return fs.SkipDir
			}
			return nil
		}
		if d.Name() == "console" || d.Type()&fs.ModeDevice == 0 {
			return nil
		}
		if one, err := Device(p, p); err == nil {
			out = append(out, *one)
		}
		return nil
	})
	return out
}
