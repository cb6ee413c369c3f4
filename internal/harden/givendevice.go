// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"slices"

	"github.com/runclad/runclad/internal/spec"
)

// GivenDevice reports whether the container is given a device that the policy
// names: its driver's ioctl commands are then needed, which the seccomp profile
// otherwise refuses.
func GivenDevice(p *Plan, doc *spec.Document) bool {
	e := &edit{Plan: p, doc: doc}
	for _, d := range doc.Get("linux", "devices").Elems() {
		if defaultDevice(d.Get("path").Str()).Type == "" && deviceAllowed(e, d) {
			return true
		}
	}
	for _, m := range doc.Get("mounts").Elems() {
		if src := p.Facts.Sources[m]; isDevice(src) && defaultDevice(src.Path).Type == "" && boundDeviceAllowed(e, src) {
			return true
		}
	}
	return p.Profile.AllDevices() && slices.ContainsFunc(doc.Get("linux", "resources", "devices").Elems(), allowsAll)
}
