// SPDX-License-Identifier: Apache-2.0

package host

import (
	"path"

	"golang.org/x/sys/unix"
)

// Device is a device by what the kernel knows it by.
type Device struct {
	Type         string // "c" or "b"
	Major, Minor int64
}

// Devices returns the devices whose nodes lie at the paths. A path where there
// is none, or that is something else, allows nothing.
func Devices(paths []string) []Device {
	var out []Device
	for _, p := range paths {
		var st unix.Stat_t
		if !path.IsAbs(p) || unix.Stat(p, &st) != nil { // * is no path
			continue
		}
		d := Device{Type: "c", Major: int64(unix.Major(st.Rdev)), Minor: int64(unix.Minor(st.Rdev))}
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFCHR:
		case unix.S_IFBLK:
			d.Type = "b"
		default:
			continue
		}
		out = append(out, d)
	}
	return out
}
