// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/spec"
)

// defaultDevice returns the numbers of a device that every container is given by
// the runtime itself (config-linux.md, "Default Devices"; kernel,
// admin-guide/devices.txt), the zero Device for any other path.
func defaultDevice(p string) host.Device {
	switch p {
	case "/dev/null":
		return host.Device{Type: "c", Major: 1, Minor: 3}
	case "/dev/zero":
		return host.Device{Type: "c", Major: 1, Minor: 5}
	case "/dev/full":
		return host.Device{Type: "c", Major: 1, Minor: 7}
	case "/dev/random":
		return host.Device{Type: "c", Major: 1, Minor: 8}
	case "/dev/urandom":
		return host.Device{Type: "c", Major: 1, Minor: 9}
	case "/dev/tty":
		return host.Device{Type: "c", Major: 5, Minor: 0}
	case "/dev/console":
		return host.Device{Type: "c", Major: 5, Minor: 1}
	case "/dev/ptmx":
		return host.Device{Type: "c", Major: 5, Minor: 2}
	}
	return host.Device{}
}

// deviceOf reads type and numbers of a device or of a device rule; u is an older
// name of c.
func deviceOf(v *spec.Value) host.Device {
	typ := v.Get("type").Str()
	if typ == "u" {
		typ = "c"
	}
	return host.Device{Type: typ, Major: number(v, "major"), Minor: number(v, "minor")}
}

// deviceAllowed goes by the numbers, since the path is where the node is made in
// the container: `--device /dev/sda:/dev/null`. A name that the runtime itself
// uses must hold what is meant by it.
func deviceAllowed(e *edit, v *spec.Value) bool {
	if d := defaultDevice(v.Get("path").Str()); d.Type != "" {
		return deviceOf(v) == d
	}
	return e.Profile.AllDevices() || slices.Contains(e.Facts.Devices, deviceOf(v))
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
		p, n := d.Get("path").Str(), deviceOf(d)
		switch {
		case deviceAllowed(e, d) && defaultDevice(p).Type != "" && !e.Profile.AllDevices():
			// The runtime makes it for every container, and opens it in the
			// device cgroup only if the spec does not name it (runc,
			// createDevices in specconv).
			e.doc.Remove(d)
		case deviceAllowed(e, d):
		case privileged:
			e.doc.Remove(d)
		case defaultDevice(p).Type != "":
			e.refuse("", "the device %s %d:%d of the host is passed under the name %s, which stands for another", n.Type, n.Major, n.Minor, p)
		default:
			e.refuse("devices = ["+quote(p)+"]", "the device %s (%s %d:%d) of the host is passed to the container", p, n.Type, n.Major, n.Minor)
		}
	}
	for _, m := range e.doc.Get("mounts").Elems() {
		if src := e.Facts.Sources[m]; isDevice(src) && !boundDeviceAllowed(e, src) {
			e.refuse("devices = ["+quote(src.Path)+"]", "the device %s of the host is bound to %s", src.Path, m.Get("destination").Str())
		}
	}
	if !e.Profile.AllDevices() {
		applyDeviceRules(e, privileged)
	}
}

// boundDeviceAllowed takes a device of the host's that is bound for the same as
// one that the runtime makes, where there is only one of it: the host's console
// and its pseudo terminals are not the container's.
func boundDeviceAllowed(e *edit, s host.Source) bool {
	return defaultDevice(s.Path).Type != "" && s.Path != "/dev/console" && s.Path != "/dev/ptmx" || e.Profile.AllDevices() || slices.Contains(e.Profile.Devices, s.Path)
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
			if slices.Contains(e.Facts.Devices, deviceOf(d)) {
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

// ruleAllowed knows the numbers of the default devices, pseudo terminals
// (kernel, admin-guide/devices.txt), and the right to mknod, which needs
// CAP_MKNOD besides. A rule for type a is none of these, whatever its access:
// the kernel and runc take it for "all devices, rwm" (cgroup v1's devices.txt).
func ruleAllowed(e *edit, r *spec.Value) bool {
	d := deviceOf(r)
	if d.Type == "c" {
		switch d.Major {
		case 1:
			return d.Minor == 3 || d.Minor == 5 || d.Minor == 7 || d.Minor == 8 || d.Minor == 9
		case 5:
			return d.Minor >= 0 && d.Minor <= 2
		case 136:
			return true
		}
	}
	if r.Get("access").Str() == "m" && (d.Type == "c" || d.Type == "b") {
		return true
	}
	return d.Minor >= 0 && slices.Contains(e.Facts.Devices, d)
}

func isDevice(s host.Source) bool { return s.Mode == unix.S_IFCHR || s.Mode == unix.S_IFBLK }

func verifyDevices(e *edit) error {
	for _, d := range e.doc.Get("linux", "devices").Elems() {
		if !deviceAllowed(e, d) {
			return fmt.Errorf("the device %s is passed", d)
		}
	}
	for m, src := range e.Facts.Sources {
		if isDevice(src) && !boundDeviceAllowed(e, src) {
			return fmt.Errorf("the device %s is bound", m)
		}
	}
	if e.Profile.AllDevices() {
		return nil
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
