// SPDX-License-Identifier: Apache-2.0

package syscalls

import "github.com/runclad/runclad/profiles/internal/render"

// Caps is a set of capabilities, bit n standing for capability number n of
// include/uapi/linux/capability.h. It says besides, in bits that no capability
// has, what else a profile depends on.
type Caps uint64

const (
	// Strict is set at level strict.
	Strict Caps = render.Strict
	// Device is set where the container was given a device of the host.
	Device Caps = render.Device
)

// The capabilities that bring a call or a rule back.
const (
	capChown      Caps = 1 << 0
	dacReadSearch Caps = 1 << 2
	setGID        Caps = 1 << 6
	setUID        Caps = 1 << 7
	netAdmin      Caps = 1 << 12
	netRaw        Caps = 1 << 13
	sysModule     Caps = 1 << 16
	sysRawio      Caps = 1 << 17
	sysChroot     Caps = 1 << 18
	sysPtrace     Caps = 1 << 19
	sysPacct      Caps = 1 << 20
	sysAdmin      Caps = 1 << 21
	sysBoot       Caps = 1 << 22
	sysNice       Caps = 1 << 23
	sysTime       Caps = 1 << 25
	sysTtyConfig  Caps = 1 << 26
	capMknod      Caps = 1 << 27
	auditWrite    Caps = 1 << 29
	auditControl  Caps = 1 << 30
	capSyslog     Caps = 1 << 34
	auditRead     Caps = 1 << 37
	perfmon       Caps = 1 << 38
	capBPF        Caps = 1 << 39
)
