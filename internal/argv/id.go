// SPDX-License-Identifier: Apache-2.0

package argv

import "strconv"

// maxID is the longest file name of the usual filesystems, NAME_MAX: the ID names
// the container's state directory.
const maxID = 255

// checkID accepts [A-Za-z0-9_+.-]+, as validateID in runc's
// libcontainer/factory_linux.go does, except "." and "..". (runc 1.1's expression
// ^[\w+-\.]+$ lets a comma through; newer ones do not.) Stricter than runc: not
// over 255 bytes, no dash in front. crun accepts more, and gets the same rule.
func checkID(id string) *Error {
	switch {
	case id == "":
		return refuse(ErrID, "the container ID is empty")
	case len(id) > maxID:
		return refuse(ErrID, "the container ID "+quote(id)+" is longer than "+strconv.Itoa(maxID)+" bytes")
	case id == "." || id == ".." || id[0] == '-':
		return refuse(ErrID, "the container ID "+quote(id)+" is not one that runclad passes on")
	}
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '_' || c == '+' || c == '-' || c == '.':
		default:
			return refuse(ErrID, "the container ID "+quote(id)+" holds a character outside A-Z a-z 0-9 _ + - .")
		}
	}
	return nil
}
