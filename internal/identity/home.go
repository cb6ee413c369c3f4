// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"
)

// Home returns the home directory that an image's passwd file names for a user,
// "" if it names none or cannot be used.
func Home(rootfs string, uid uint32) string {
	root, err := unix.Open(rootfs, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(root)
	data, err := readInRoot(root, "etc/passwd")
	if err != nil {
		return ""
	}
	want := []byte(strconv.FormatUint(uint64(uid), 10))
	for line := range bytes.Lines(data) {
		fields := bytes.Split(bytes.TrimRight(line, "\n"), []byte(":"))
		if len(fields) >= 6 && bytes.Equal(fields[2], want) {
			return string(fields[5])
		}
	}
	return ""
}
