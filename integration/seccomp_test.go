// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/integration/bed"
)

// TestEngineProfile: a profile that the engine sent counts where it refuses more,
// at every level, and never opens anything.
func TestEngineProfile(t *testing.T) {
	custom := &specs.LinuxSeccomp{
		DefaultAction: specs.ActAllow,
		Syscalls:      []specs.LinuxSyscall{{Names: []string{"mkdir", "mkdirat"}, Action: specs.ActErrno}},
	}
	const script = `mkdir /tmp/d 2>&1; touch /tmp/f; chmod 2755 /tmp/f 2>&1; chmod 4755 /tmp/f 2>&1; unshare -U true 2>&1; echo end`
	const (
		mkdir = "mkdir: can't create directory '/tmp/d': Operation not permitted\n"
		sgid  = "chmod: /tmp/f: Operation not permitted\n"
		rest  = "chmod: /tmp/f: Operation not permitted\nunshare: unshare(0x10000000): Operation not permitted\nend\n"
	)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		for _, tt := range []struct {
			name, policy string
			profile      *specs.LinuxSeccomp
			want         string
		}{
			{"unconfined", "", nil, rest},
			{"custom", "", custom, mkdir + rest},
			{"strict", `seccomp = "strict"`, custom, mkdir + sgid + rest},
			{"engine", `seccomp = "engine"`, custom, mkdir + rest},
		} {
			t.Run(tt.name, func(t *testing.T) {
				if tt.policy != "" {
					bed.Policy(t, tt.policy)
				}
				s := specFor(t, "", "sh", "-c", script)
				s.Linux.Seccomp = tt.profile
				r := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), s).RunToEnd()
				if r.Stdout != tt.want {
					t.Errorf("%v\nwant\n%s", r, tt.want)
				}
			})
		}
	})
}

// TestEngineProfileRefused: a profile under which the runtime could not start
// the program, or that says something unknown, is refused with the reason.
func TestEngineProfileRefused(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		profile    *specs.LinuxSeccomp
	}{
		{"no execve", "execve", &specs.LinuxSeccomp{
			DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{Names: []string{"execve"}, Action: specs.ActErrno}},
		}},
		{"unknown action", "SCMP_ACT_PERHAPS", &specs.LinuxSeccomp{DefaultAction: "SCMP_ACT_PERHAPS"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rt := bed.DebianRunc(t)
			bed.Use(t, rt)
			s := specFor(t, "", "true")
			s.Linux.Seccomp = tt.profile
			r := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), s).Create()
			if r.Code != 1 || !strings.Contains(r.Stderr, "runclad refused create") || !strings.Contains(r.Stderr, tt.want) {
				t.Error(r)
			}
		})
	}
}
