// SPDX-License-Identifier: Apache-2.0

package profiles

import (
	"fmt"
	"runtime"

	"github.com/runclad/runclad/profiles/internal/render"
)

// Options say what a profile is for.
type Options struct {
	// Capabilities are those that the policy gives back (CAP_…, as in
	// capabilities(7)); each brings back the calls that need it. Usually none.
	Capabilities []string
	// Level is LevelDefault (also where it is empty), LevelStrict or
	// LevelEngine.
	Level string
	// Device is set where the container is given a device of the host: ioctl is
	// then open but for the terminals' commands.
	Device bool
	// Runtime is "runc" or "crun". One profile serves both: it always allows
	// the calls that either makes between loading the filter and execve(2).
	// Another runtime is refused, because its calls were never looked at.
	Runtime string
	// Arch is a GOARCH; empty means this machine's, which is the only one that
	// a shim can make profiles for.
	Arch string
}

// The levels.
const (
	LevelDefault = "default"
	// LevelStrict refuses more than most images bear; docs/seccomp.md says what
	// each measure breaks.
	LevelStrict = "strict"
	// LevelEngine is LevelDefault for Seccomp; see Meet.
	LevelEngine = "engine"
)

// Seccomp returns the profile as a linux.seccomp object of the OCI runtime
// specification, compact JSON that can be spliced into config.json as it is.
// Without capabilities, a device and level strict it is embedded text and
// nothing is computed.
//
// It has no "flags" member: runc 1.1.5 fails on SECCOMP_FILTER_FLAG_LOG and
// SPEC_ALLOW, and newer runtimes choose SPEC_ALLOW themselves when the
// member is absent.
func Seccomp(o Options) (string, error) {
	set, err := o.set()
	if err != nil {
		return "", fmt.Errorf("make seccomp profile: %w", err)
	}
	return text(set), nil
}

// set returns what the profile depends on, as render knows it.
func (o *Options) set() (uint64, error) {
	if o.Runtime != "runc" && o.Runtime != "crun" {
		return 0, fmt.Errorf("runtime %q is not known; runc and crun are", o.Runtime)
	}
	if o.Arch != "" && o.Arch != runtime.GOARCH {
		return 0, fmt.Errorf("this program has the table of %s, not of %q", runtime.GOARCH, o.Arch)
	}
	var set uint64
	switch o.Level {
	case "", LevelDefault, LevelEngine:
	case LevelStrict:
		set |= render.Strict
	default:
		return 0, fmt.Errorf("level %q is not known", o.Level)
	}
	if o.Device {
		set |= render.Device
	}
	for _, name := range o.Capabilities {
		n := Capability(name)
		if n < 0 {
			return 0, fmt.Errorf("capability %q is not known", name)
		}
		set |= 1 << n
	}
	return set, nil
}

func text(set uint64) string {
	if set == 0 {
		return bare
	}
	return string(render.Append(make([]byte, 0, len(bare)+2048), scmpArch, calls[:], set))
}
