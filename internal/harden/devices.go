// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/spec"
)

// defaultDevices are given to every container by the runtime itself
// (config-linux.md, "Default Devices").
func defaultDevice(p string) bool {
	switch p {
	case "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/console", "/dev/ptmx":
		return true
	}
	return false
}

// applyDevices takes from a container what the policy does not name. That
// --privileged hands over every device of the host is put right: few images
// that are run so need them. A device asked for by name is refused, since it
// was asked for to be used.
func applyDevices(e *edit) {
	rules := e.doc.Get("linux", "resources", "devices")
	privileged := false
	for _, r := range rules.Elems() {
		privileged = privileged || allowsAll(r)
	}
	for _, d := range slices.Clone(e.doc.Get("linux", "devices").Elems()) {
		p := d.Get("path").Str()
		switch {
		case defaultDevice(p) || slices.Contains(e.Profile.Devices, p):
		case privileged:
			e.doc.Remove(d)
		default:
			e.refuse("devices = ["+quote(p)+"]", "the device %s of the host is passed to the container", p)
		}
	}
	for _, m := range e.doc.Get("mounts").Elems() {
		if src := e.Facts.Sources[m]; isDevice(src) && !defaultDevice(src.Path) && !slices.Contains(e.Profile.Devices, src.Path) {
			e.refuse("devices = ["+quote(src.Path)+"]", "the device %s of the host is bound to %s", src.Path, m.Get("destination").Str())
		}
	}
	applyDeviceRules(e, privileged)
}

// applyDeviceRules makes the device cgroup's list start with "deny all" and
// keeps only rules for what is allowed. One for a device that the container was
// not given changes nothing for it, who cannot make the node (mknod(2)).
func applyDeviceRules(e *edit, privileged bool) {
	list := []*spec.Value{spec.Map(spec.M("allow", spec.Flag(false)), spec.M("access", spec.Text("rwm")))}
	for _, r := range e.doc.Get("linux", "resources", "devices").Elems() {
		switch {
		case deniesAll(r):
		case !r.Get("allow").True() || ruleAllowed(e, r):
			list = append(list, r.Clone())
		}
	}
	if privileged {
		for _, d := range e.doc.Get("linux", "devices").Elems() {
			if slices.Contains(e.Profile.Devices, d.Get("path").Str()) {
				list = append(list, spec.Map(spec.M("allow", spec.Flag(true)), spec.M("type", d.Get("type").Clone()),
					spec.M("major", d.Get("major").Clone()), spec.M("minor", d.Get("minor").Clone()), spec.M("access", spec.Text("rw"))))
			}
		}
	}
	resources := e.doc.Ensure(e.doc.Ensure(e.doc.Root(), "linux", spec.Object), "resources", spec.Object)
	e.doc.Set(resources, "devices", spec.List(list...))
}

func allowsAll(r *spec.Value) bool { return r.Get("allow").True() && wildcard(r) }

func deniesAll(r *spec.Value) bool {
	return !r.Get("allow").True() && wildcard(r) && r.Get("access").Str() == "rwm"
}

// wildcard reports whether a rule is for every device: its type is absent or a,
// or it is for all numbers of one type.
func wildcard(r *spec.Value) bool {
	t := r.Get("type").Str()
	return (t == "" || t == "a") && number(r, "major") < 0 && number(r, "minor") < 0
}

// number returns a device number; absent or negative is a wildcard, -1.
func number(r *spec.Value, name string) int64 {
	n, ok := r.Get(name).Int64()
	if !ok || n < 0 {
		return -1
	}
	return n
}

// ruleAllowed knows the numbers of the default devices (kernel,
// admin-guide/devices.txt), pseudo terminals, and the right to mknod, which
// needs CAP_MKNOD besides.
func ruleAllowed(e *edit, r *spec.Value) bool {
	major, minor, typ := number(r, "major"), number(r, "minor"), r.Get("type").Str()
	if typ == "c" {
		switch major {
		case 1:
			return minor == 3 || minor == 5 || minor == 7 || minor == 8 || minor == 9
		case 5:
			return minor >= 0 && minor <= 2
		case 136:
			return true
		}
	}
	if r.Get("access").Str() == "m" {
		return true
	}
	for _, d := range e.doc.Get("linux", "devices").Elems() {
		if slices.Contains(e.Profile.Devices, d.Get("path").Str()) && d.Get("type").Str() == typ &&
			number(d, "major") == major && number(d, "minor") == minor && minor >= 0 {
			return true
		}
	}
	return false
}

func isDevice(s host.Source) bool { return s.Mode == unix.S_IFCHR || s.Mode == unix.S_IFBLK }

func verifyDevices(e *edit) error {
	for _, d := range e.doc.Get("linux", "devices").Elems() {
		if p := d.Get("path").Str(); !defaultDevice(p) && !slices.Contains(e.Profile.Devices, p) {
			return fmt.Errorf("the device %s is passed", p)
		}
	}
	rules := e.doc.Get("linux", "resources", "devices").Elems()
	if len(rules) == 0 || !deniesAll(rules[0]) {
		return fmt.Errorf("the device rules do not begin with deny all")
	}
	for _, r := range rules[1:] {
		if r.Get("allow").True() && !ruleAllowed(e, r) {
			return fmt.Errorf("the device rule %s", r)
		}
	}
	return nil
}
