// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// Pin gives the namespace that is open as fd a name, for the runtime to find it
// by: an empty file that it is mounted on (namespaces(7)). The thread must have
// entered a mount namespace, so that the file stays an empty one to everybody
// else, and the name is gone with the runtime.
func Pin(fd int, file string) error {
	if err := unix.Mount("/proc/self/fd/"+strconv.Itoa(fd), file, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount a namespace on %s: %w", file, err)
	}
	return nil
}

// Unpin takes the name back.
func Unpin(file string) error { return unix.Unmount(file, unix.MNT_DETACH) }
