// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"strings"
)

// applyLabels refuses labels that confine nothing where the kernel would
// enforce a better one. On a host without that module they mean nothing and
// pass; they are not guessed at, since a profile that is not loaded, or a type
// the host's policy lacks, fails the container with a worse message.
func applyLabels(e *edit) {
	if unconfinedAppArmor(e) {
		e.refuse("unconfined = true", "the AppArmor profile is unconfined")
	}
	if unconfinedSELinux(e) {
		e.refuse("unconfined = true", "the SELinux label %s confines nothing", e.process.Get("selinuxLabel").Str())
	}
}

func unconfinedAppArmor(e *edit) bool {
	return e.Facts.AppArmor && !e.Profile.Unconfined && e.process.Get("apparmorProfile").Str() == "unconfined"
}

// unconfinedSELinux knows the types under which container-selinux runs
// privileged containers, and the unconfined domain.
func unconfinedSELinux(e *edit) bool {
	if !e.Facts.SELinux || e.Profile.Unconfined {
		return false
	}
	parts := strings.SplitN(e.process.Get("selinuxLabel").Str(), ":", 4)
	if len(parts) < 3 {
		return false
	}
	switch parts[2] {
	case "spc_t", "unconfined_t", "container_runtime_t", "unconfined_service_t":
		return true
	}
	return false
}

func verifyLabels(e *edit) error {
	if unconfinedAppArmor(e) || unconfinedSELinux(e) {
		return errors.New("the process is not confined")
	}
	return nil
}
