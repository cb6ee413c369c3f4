// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"slices"
	"strings"
)

// obeyed reports whether a runtime acts on an annotation. Engines let whoever
// starts a container set annotations, and some of these replace the seccomp
// filter (crun's run.oci.seccomp_bpf_data), keep the groups of the engine
// (run.oci.keep_original_groups), hand the program to another virtual machine,
// or set properties of the systemd unit, ExecStopPost among them. Both runtimes
// list them as potentially unsafe in `features`.
func obeyed(name string) bool {
	switch name {
	case "org.systemd.property.KillSignal", "org.systemd.property.TimeoutStopUSec", "org.systemd.property.CollectMode":
		return false // set by Podman and CRI-O; they say how the unit ends
	case "org.criu.config":
		return true
	}
	for _, prefix := range [...]string{"run.oci.", "org.systemd.property.", "module.wasm."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// applyAnnotations refuses annotations that a runtime obeys.
func applyAnnotations(e *edit) {
	for _, a := range e.doc.Get("annotations").Members() {
		if obeyed(a.Name) && !slices.Contains(e.Profile.Annotations, a.Name) {
			e.refuse("annotations = ["+quote(a.Name)+"]", "the annotation %s is an order to the runtime", a.Name)
		}
	}
}

func verifyAnnotations(e *edit) error {
	for _, a := range e.doc.Get("annotations").Members() {
		if obeyed(a.Name) && !slices.Contains(e.Profile.Annotations, a.Name) {
			return fmt.Errorf("the annotation %s", a.Name)
		}
	}
	return nil
}
