// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"bytes"
	"strconv"
	"strings"
)

const (
	// maxAliases bounds the users that are named twice, maxAliasLine the lines
	// of which that is made. Images have 20 to 40 users.
	maxAliases   = 512
	maxAliasLine = 1024
)

// aliases are lines by which the names of the image's users, root's among them,
// stand for the container's user: getpwnam(3) takes the first line of a name.
// They come before the image's own, by which getpwuid(3) still finds the names
// of the owners of files. The primary groups of these users are returned too, by
// their numbers.
//
// No process of such a container can become another user: it has no CAP_SETUID,
// and nothing gives it one. A program that is told to run as "redis" can therefore
// run as the container's user or not at all; that user stands in for redis
// already where it owns redis's files. With the name mapped, setuid(2) to it is
// the kernel's own success, and getuid(2) and a file's owner agree with it
// afterwards.
//
// Root in a user namespace of its own, and whoever has CAP_SETUID, can become
// another; then the names are the image's.
func aliases(passwd []byte, own string, u User) (string, map[string]bool) {
	if u.UID == 0 || u.Changes {
		return "", nil
	}
	var out strings.Builder
	groups := map[string]bool{}
	ids := ":x:" + id(u.UID) + ":" + id(u.GID) + ":"
	n := 0
	for line := range bytes.Lines(passwd) {
		f := passwdFields(line)
		if f == nil || n == maxAliases {
			continue
		}
		n++
		groups[f[3]] = true
		if f[0] != own && !lineHasID(line, u.UID) {
			out.WriteString(f[0] + ids + strings.Join(f[4:], ":") + "\n")
		}
	}
	return out.String(), groups
}

// groupAliases are the same for the groups whose numbers are given: those of
// other groups keep their meaning (tty, whose number terminals have).
func groupAliases(group []byte, own string, u User, numbers map[string]bool) string {
	var out strings.Builder
	n := 0
	for line := range bytes.Lines(group) {
		f := groupFields(line)
		if f == nil || !numbers[f[2]] || f[0] == own || n == maxAliases || lineHasID(line, u.GID) {
			continue
		}
		n++
		out.WriteString(f[0] + ":x:" + id(u.GID) + ":\n")
	}
	return out.String()
}

// nameOf is the name of a user of the image's other than root, "" if it has none
// that could be anybody's.
func nameOf(passwd []byte, uid uint32) string {
	if uid == 0 {
		return ""
	}
	for line := range bytes.Lines(passwd) {
		if f := passwdFields(line); f != nil && f[2] == id(uid) && portable(f[0]) {
			return f[0]
		}
	}
	return ""
}

// passwdFields returns the fields of a line of passwd(5), nil of one that not
// every reader would take for a user: such a line is left as it is.
func passwdFields(line []byte) []string {
	f := fields(line, 7)
	if f == nil || !number(f[2]) || !number(f[3]) {
		return nil
	}
	return f
}

// groupFields is the same for group(5).
func groupFields(line []byte) []string {
	f := fields(line, 4)
	if f == nil || !number(f[2]) {
		return nil
	}
	return f
}

func fields(line []byte, n int) []string {
	if len(line) > maxAliasLine {
		return nil
	}
	f := strings.Split(strings.TrimRight(string(line), "\r\n"), ":")
	if len(f) != n || f[0] == "" || strings.ContainsAny(f[0][:1], "+-#") || strings.ContainsAny(f[0], space) {
		return nil
	}
	return f
}

// number reports whether a field is a number as programs write it.
func number(field string) bool {
	n, err := strconv.ParseUint(field, 10, 32)
	return err == nil && strconv.FormatUint(n, 10) == field
}
