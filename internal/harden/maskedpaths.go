// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"fmt"
	"slices"

	"github.com/runclad/runclad/internal/spec"
)

// The union of what Docker, containerd, Podman and CRI-O mask and protect by
// default; a path that the kernel lacks is skipped by the runtime.
var (
	maskedPaths = [...]string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
		"/sys/dev/block", "/sys/devices/virtual/powercap", "/sys/firmware", "/sys/fs/selinux",
	}
	readonlyPaths = [...]string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// applyMaskedPaths adds what is missing: --privileged and procMount Unmasked
// leave the lists out.
func applyMaskedPaths(e *edit) {
	if e.Profile.Unmasked {
		return
	}
	linux := e.doc.Ensure(e.doc.Root(), "linux", spec.Object)
	union(e, linux, "maskedPaths", maskedPaths[:])
	union(e, linux, "readonlyPaths", readonlyPaths[:])
}

func union(e *edit, linux *spec.Value, name string, want []string) {
	have := linux.Get(name).Strs()
	for _, p := range want {
		if !slices.Contains(have, p) {
			have = append(have, p)
		}
	}
	e.doc.Set(linux, name, spec.Texts(have...))
}

func verifyMaskedPaths(e *edit) error {
	if e.Profile.Unmasked {
		linux := e.doc.Get("linux")
		if !linux.Get("maskedPaths").Equal(e.asked.maskedPaths) || !linux.Get("readonlyPaths").Equal(e.asked.readonlyPaths) {
			return errors.New("the lists are not the engine's")
		}
		return nil
	}
	masked := e.doc.Get("linux", "maskedPaths").Strs()
	for _, p := range maskedPaths {
		if !slices.Contains(masked, p) {
			return fmt.Errorf("%s is not masked", p)
		}
	}
	readonly := e.doc.Get("linux", "readonlyPaths").Strs()
	for _, p := range readonlyPaths {
		if !slices.Contains(readonly, p) {
			return fmt.Errorf("%s is not read-only", p)
		}
	}
	return nil
}
