// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// User is the user that a container's passwd and group files have to name.
type User struct {
	UID, GID uint32 // inside the container
	Name     string // "" for the name of Image's, or runclad
	Home     string
	// Image is the UID that the image starts as. Unless that is root, the
	// container's user bears its name.
	Image uint32
	// Changes says that the container can change its user for real, with
	// CAP_SETUID: the names of the image's users keep their meaning.
	Changes bool
}

// Files are a container's passwd and group files.
type Files struct {
	Passwd, Group []byte
	Name          string   // under which the user is found
	Notes         []string // why the image's own files were not used
}

const (
	defaultName = "runclad"

	// shell is that of our line. An account that cannot log in has no use for
	// nologin: nothing logs in to a container, and whoever runs a process in it
	// runs what he likes. But programs that take the user's shell from
	// getpwuid(3) when SHELL is unset (script, tmux, vim's :!, terminals in
	// notebooks and editors) break with nologin, and an empty field, which
	// passwd(5) says means /bin/sh, is taken literally by some. Where the image
	// has no /bin/sh, there is no shell to run either way.
	shell = "/bin/sh"
)

// Build makes the files from an image's own; nil stands for a file that the
// image lacks or that cannot be used, and gets minimal content instead.
//
// Our line comes first: getpwuid(3) and getgrgid(3) read from the start, and
// some callers give up at a line too long for their buffer, or at one that
// begins with + (nsswitch's compat). Then each of the image's users is named
// once more, as the container's user; see aliases. The image's lines follow byte
// for byte, but for those that have our UID or GID: it is random, so none has it
// by chance.
func Build(passwd, group []byte, u User) (Files, error) {
	if err := u.check(); err != nil {
		return Files{}, err
	}
	f := Files{Name: u.Name}
	if f.Name == "" {
		f.Name = nameOf(passwd, u.Image)
	}
	if f.Name == "" {
		f.Name = defaultName
		if hasName(passwd, f.Name) || hasName(group, f.Name) {
			f.Name += "-" + id(u.UID)
		}
	}
	if passwd == nil {
		passwd = []byte("root:x:0:0:root:/root:" + shell + "\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n")
	}
	if group == nil {
		group = []byte("root:x:0:\nnogroup:x:65534:\n")
	}
	ours := f.Name + ":x:" + id(u.UID) + ":" + id(u.GID) + ":runclad:" + u.Home + ":" + shell + "\n"
	users, primary := aliases(passwd, f.Name, u)
	f.Passwd = build(ours+users, passwd, u.UID)
	f.Group = build(f.Name+":x:"+id(u.GID)+":\n"+groupAliases(group, f.Name, u, primary), group, u.GID)
	return f, nil
}

func id(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

func (u User) check() error {
	if !strings.HasPrefix(u.Home, "/") || strings.ContainsAny(u.Home, ":\n\x00") {
		return fmt.Errorf("home %q: want an absolute path without colon, newline and NUL", u.Home)
	}
	if u.UID == math.MaxUint32 || u.GID == math.MaxUint32 {
		return fmt.Errorf("user %d:%d: %d stands for no ID", u.UID, u.GID, uint32(math.MaxUint32))
	}
	if u.Name != "" && !portable(u.Name) {
		return fmt.Errorf("user name %q: want lower-case letters, digits, _ and -", u.Name)
	}
	return nil
}

// portable reports whether a name is one that useradd(8) would take.
func portable(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', c == '_':
		case i > 0 && ('0' <= c && c <= '9' || c == '-'):
		default:
			return false
		}
	}
	return name != ""
}

// build puts lines before those of the image's file that do not have the ID in
// their third field.
func build(lines string, image []byte, id uint32) []byte {
	out := make([]byte, 0, len(lines)+len(image)+1)
	out = append(out, lines...)
	for len(image) > 0 {
		l := image
		if i := bytes.IndexByte(image, '\n'); i >= 0 {
			l = image[:i+1]
		}
		image = image[len(l):]
		if lineHasID(l, id) {
			continue
		}
		out = append(out, l...)
	}
	if out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	return out
}

func hasName(file []byte, name string) bool {
	for len(file) > 0 {
		l, rest, _ := bytes.Cut(file, []byte{'\n'})
		if lineName(l) == name {
			return true
		}
		file = rest
	}
	return false
}

// lineName is the name in the first field. glibc passes over leading white
// space, other readers over any around it.
func lineName(l []byte) string {
	l, _, _ = bytes.Cut(l, []byte{':'})
	return string(bytes.Trim(l, space))
}

const space = " \t\n\v\f\r"

// lineHasID reports whether some reader could take the third field for id.
// glibc uses strtoul(3), which takes leading white space and a sign; others stop
// at the first character that is no digit, or count modulo 2^32.
func lineHasID(l []byte, id uint32) bool {
	for range 2 {
		_, rest, ok := bytes.Cut(l, []byte{':'})
		if !ok {
			return false
		}
		l = rest
	}
	l = bytes.TrimLeft(l, space)
	negative := false
	if len(l) > 0 && (l[0] == '+' || l[0] == '-') {
		negative = l[0] == '-'
		l = l[1:]
	}
	n, digits := uint32(0), 0
	for _, c := range l {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + uint32(c-'0')
		digits++
	}
	if negative {
		n = -n
	}
	return digits > 0 && n == id
}
