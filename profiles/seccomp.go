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
	// Runtime is "runc" or "crun". One profile serves both: it always allows
	// the calls that either makes between loading the filter and execve(2).
	// Another runtime is refused, because its calls were never looked at.
	Runtime string
	// Arch is a GOARCH; empty means this machine's, which is the only one that
	// a shim can make profiles for.
	Arch string
}

// Seccomp returns the profile as a linux.seccomp object of the OCI runtime
// specification, compact JSON that can be spliced into config.json as it is.
// Without capabilities it is embedded text
// and nothing is computed.
//
// It has no "flags" member: runc 1.1.5 fails on SECCOMP_FILTER_FLAG_LOG and
// SPEC_ALLOW, and newer runtimes choose SPEC_ALLOW themselves when the
// member is absent.
func Seccomp(o Options) (string, error) {
	if o.Runtime != "runc" && o.Runtime != "crun" {
		return "", fmt.Errorf("make seccomp profile: runtime %q is not known; runc and crun are", o.Runtime)
	}
	if o.Arch != "" && o.Arch != runtime.GOARCH {
		return "", fmt.Errorf("make seccomp profile: this program has the table of %s, not of %q", runtime.GOARCH, o.Arch)
	}
	var caps uint64
	for _, name := range o.Capabilities {
		n := capability(name)
		if n < 0 {
			return "", fmt.Errorf("make seccomp profile: capability %q is not known", name)
		}
		caps |= 1 << n
	}
	if caps == 0 {
		return bare, nil
	}
	return string(render.Append(make([]byte, 0, len(bare)+2048), scmpArch, calls[:], caps)), nil
}
