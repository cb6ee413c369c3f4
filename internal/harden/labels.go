// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"strings"

	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

// applyLabels deals with labels that confine nothing where the kernel would
// enforce a better one. The AppArmor profile unconfined, which --privileged
// brings, becomes an engine's default profile if one is loaded. What cannot be
// known to exist is not guessed at: a profile that is not loaded, or a type that
// the host's policy lacks, fails the container with a worse message than a
// refusal. On a host without that module labels mean nothing and pass.
func applyLabels(e *edit) {
	if unconfinedAppArmor(e) {
		if p := defaultAppArmor(e); p != "" {
			e.doc.Set(e.process, "apparmorProfile", spec.Text(p))
		} else {
			e.refuse("unconfined = true", "the AppArmor profile is unconfined, and no engine's default profile is loaded")
		}
	}
	if unconfinedSELinux(e) {
		e.refuse("unconfined = true", "the SELinux label %s confines nothing", e.process.Get("selinuxLabel").Str())
	}
}

func unconfinedAppArmor(e *edit) bool {
	return e.Facts.AppArmor && !e.Profile.Unconfined && e.process.Get("apparmorProfile").Str() == "unconfined"
}

// defaultAppArmor prefers the profile of the container's own engine.
func defaultAppArmor(e *edit) string {
	prefix := "docker-default"
	switch e.Workload.Engine {
	case workload.CRI, workload.Containerd:
		prefix = "cri-containerd"
	case workload.CRIO:
		prefix = "crio-default"
	case workload.Podman:
		prefix = "containers-default-"
	}
	loaded := e.Facts.AppArmorProfiles
	for _, p := range loaded {
		if strings.HasPrefix(p, prefix) {
			return p
		}
	}
	if len(loaded) > 0 {
		return loaded[0]
	}
	return ""
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
