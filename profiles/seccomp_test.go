// SPDX-License-Identifier: Apache-2.0

package profiles

import (
	"bytes"
	"math/bits"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/profiles/bpf"
	"github.com/runclad/runclad/profiles/internal/source"
	"github.com/runclad/runclad/profiles/syscalls"
)

// TestGenerated fails when the table changed and go generate was not run.
func TestGenerated(t *testing.T) {
	for _, goarch := range source.Architectures {
		files, err := source.Files(goarch)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			got, err := os.ReadFile(f.Name)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, f.Content) {
				t.Errorf("%s is not what the table gives; run go generate ./profiles", f.Name)
			}
		}
	}
}

func TestSeccompWithoutCapabilities(t *testing.T) {
	for _, rt := range []string{"runc", "crun"} {
		got, err := Seccomp(Options{Runtime: rt})
		if err != nil {
			t.Fatal(err)
		}
		if unsafe.StringData(got) != unsafe.StringData(bare) {
			t.Errorf("%s: the profile was copied; it is to be the embedded text", rt)
		}
		// A capability that brings nothing back changes nothing.
		other, err := Seccomp(Options{Runtime: rt, Capabilities: []string{"CAP_FOWNER"}, Arch: runtime.GOARCH})
		if err != nil || other != got {
			t.Errorf("%s: CAP_FOWNER changes the profile (%v)", rt, err)
		}
	}
}

// TestSeccompWithCapabilities: what the shim puts together from its parts is
// what the table gives, for each capability alone and for all.
func TestSeccompWithCapabilities(t *testing.T) {
	all := make([]string, 0, len(Capabilities))
	for i, name := range Capabilities {
		all = append(all, name)
		got, err := Seccomp(Options{Runtime: "runc", Capabilities: []string{name}})
		if err != nil {
			t.Fatal(err)
		}
		want, err := syscalls.Profile(runtime.GOARCH, 1<<i)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: the shim and the table differ", name)
		}
	}
	for _, tt := range []struct {
		o   Options
		set syscalls.Caps
	}{
		{Options{Runtime: "runc", Level: LevelStrict}, syscalls.Strict},
		{Options{Runtime: "runc", Device: true}, syscalls.Device},
		{Options{Runtime: "runc", Level: LevelStrict, Device: true, Capabilities: []string{"CAP_MKNOD"}}, syscalls.Strict | syscalls.Device | 1<<27},
	} {
		got, err := Seccomp(tt.o)
		if err != nil {
			t.Fatal(err)
		}
		want, err := syscalls.Profile(runtime.GOARCH, tt.set)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) || got == bare {
			t.Errorf("%+v: the shim and the table differ", tt.o)
		}
	}
	got, err := Seccomp(Options{Runtime: "crun", Capabilities: all})
	if err != nil {
		t.Fatal(err)
	}
	want, err := syscalls.Profile(runtime.GOARCH, 1<<len(Capabilities)-1)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("all capabilities: the shim and the table differ")
	}
}

func TestSeccompRefusals(t *testing.T) {
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{}, `runtime "" is not known`},
		{Options{Runtime: "youki"}, `runtime "youki" is not known`},
		{Options{Runtime: "runc", Level: "loose"}, `level "loose" is not known`},
		{Options{Runtime: "runc", Arch: other}, "not of"},
		{Options{Runtime: "runc", Capabilities: []string{"CAP_NOTHING"}}, `capability "CAP_NOTHING" is not known`},
		{Options{Runtime: "runc", Capabilities: []string{"SYS_ADMIN"}}, `capability "SYS_ADMIN" is not known`},
	} {
		got, err := Seccomp(tt.o)
		if err == nil || got != "" || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %q, %v; want an error with %q", tt.o, got, err, tt.want)
		}
	}
}

// TestCapabilityNumbers holds the table's capability bits against the names.
func TestCapabilityNumbers(t *testing.T) {
	for _, tt := range []struct {
		call string
		caps []string
	}{
		{"bpf", []string{"CAP_SYS_ADMIN", "CAP_BPF"}},
		{"perf_event_open", []string{"CAP_SYS_ADMIN", "CAP_PERFMON"}},
		{"syslog", []string{"CAP_SYSLOG", "CAP_SYS_ADMIN"}},
		{"chroot", []string{"CAP_SYS_CHROOT"}},
		{"ptrace", []string{"CAP_SYS_PTRACE"}},
		{"open_by_handle_at", []string{"CAP_DAC_READ_SEARCH"}},
		{"reboot", []string{"CAP_SYS_BOOT"}},
		{"clock_settime", []string{"CAP_SYS_TIME"}},
		{"acct", []string{"CAP_SYS_PACCT"}},
		{"init_module", []string{"CAP_SYS_MODULE"}},
		{"iopl", []string{"CAP_SYS_RAWIO"}},
		{"vhangup", []string{"CAP_SYS_TTY_CONFIG"}},
		{"mbind", []string{"CAP_SYS_NICE"}},
		{"setfsuid", []string{"CAP_SETUID"}},
		{"setfsgid", []string{"CAP_SETGID"}},
	} {
		var want syscalls.Caps
		for _, name := range tt.caps {
			want |= 1 << Capability(name)
		}
		i := slices.IndexFunc(syscalls.Table, func(s syscalls.Syscall) bool { return s.Name == tt.call })
		if got := syscalls.Table[i].Caps; got != want {
			t.Errorf("%s: brought back by %#x, want %#x (%v)", tt.call, uint64(got), uint64(want), tt.caps)
		}
	}
	socket := syscalls.Table[slices.IndexFunc(syscalls.Table, func(s syscalls.Syscall) bool { return s.Name == "socket" })]
	raw, admin := syscalls.Caps(1)<<Capability("CAP_NET_RAW"), syscalls.Caps(1)<<Capability("CAP_NET_ADMIN")
	if socket.Decide(raw, [6]uint64{17, 3, 0x300}) != syscalls.Allowed || socket.Decide(admin, [6]uint64{16, 3, 12}) != syscalls.Allowed {
		t.Error("CAP_NET_RAW does not bring back packet sockets, or CAP_NET_ADMIN netfilter's netlink")
	}
}

// TestShape checks the rules of construction on every profile.
func TestShape(t *testing.T) {
	for _, goarch := range source.Architectures {
		for n := -1; n < len(Capabilities); n++ {
			var caps syscalls.Caps
			if n >= 0 {
				caps = 1 << n
			}
			raw, err := syscalls.Profile(goarch, caps)
			if err != nil {
				t.Fatal(err)
			}
			checkShape(t, raw)
		}
	}
}

func checkShape(t *testing.T, raw []byte) {
	t.Helper()
	if bytes.Contains(raw, []byte(`"flags"`)) || bytes.ContainsAny(raw, " \n\t") {
		t.Fatal("the profile has flags, or is not compact")
	}
	p := parse(t, raw)
	if p.DefaultAction != specs.ActErrno || p.DefaultErrnoRet == nil || *p.DefaultErrnoRet != 38 || len(p.Architectures) != 1 {
		t.Fatalf("default %v %v, architectures %v", p.DefaultAction, p.DefaultErrnoRet, p.Architectures)
	}
	whole := map[string]bool{}
	for _, s := range p.Syscalls {
		if s.Action == specs.ActErrno && s.ErrnoRet == nil {
			t.Fatalf("%v: ERRNO without a number", s.Names)
		}
		if len(s.Args) == 0 {
			if !slices.IsSorted(s.Names) || len(s.Names) == 0 {
				t.Fatalf("names are not sorted, or none: %v", s.Names)
			}
			for _, n := range s.Names {
				if whole[n] {
					t.Fatalf("%s is listed twice", n)
				}
				whole[n] = true
			}
			continue
		}
		seen := map[uint]bool{}
		for _, a := range s.Args {
			if a.Op != specs.OpMaskedEqual || a.Value == 0 || a.Value > 0xffffffff || a.ValueTwo&^a.Value != 0 || seen[a.Index] {
				t.Fatalf("%v: argument %+v", s.Names, a)
			}
			seen[a.Index] = true
		}
	}
	for _, s := range p.Syscalls {
		if len(s.Args) > 0 && whole[s.Names[0]] {
			t.Fatalf("%s has rules and stands alone too", s.Names[0])
		}
	}
}

// runtimeTail are the calls that runtimes make between loading the filter and
// execve(2) with no_new_privs set, seen with strace on runc 1.1.5, 1.3.6 and
// 1.5.2 and crun 1.8.1; with them the signal and memory calls that Go's runtime
// may make at any time, and what every process needs to end.
var runtimeTail = strings.Fields(`
	close epoll_ctl execve fstatfs futex getdents64 getpid openat read write exit_group statx
	kill munmap wait4
	rt_sigaction rt_sigprocmask rt_sigreturn restart_syscall sigaltstack tgkill gettid exit
	mmap madvise nanosleep sched_yield epoll_pwait clone newfstatat fcntl prctl`)

func TestRuntimeTailIsAllowed(t *testing.T) {
	for _, name := range runtimeTail {
		i := slices.IndexFunc(syscalls.Table, func(s syscalls.Syscall) bool { return s.Name == name })
		if i < 0 {
			t.Errorf("%s is not in the table", name)
			continue
		}
		for _, set := range []syscalls.Caps{0, syscalls.Strict} {
			if c := syscalls.Table[i].At(set); c != syscalls.Allow && c != syscalls.Filter {
				t.Errorf("%s is refused (%#x), and a runtime needs it", name, set)
			}
		}
	}
}

// TestShimIsLight: package profiles must not pull in the table, nor anything
// that the shim may not have, and must do nothing when the process starts.
func TestShimIsLight(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		switch strings.TrimPrefix(dep, "github.com/runclad/runclad/") {
		case "profiles", "profiles/filter", "profiles/internal/render":
		case "internal/spec": // the shim's reader of JSON, and what that needs
		case "golang.org/x/sys/unix", "golang.org/x/sys/internal/unsafeheader":
		default:
			if !strings.HasPrefix(dep, "github.com/go-json-experiment/json/") {
				t.Errorf("profiles depends on %s", dep)
			}
		}
	}
	obj := t.TempDir() + "/profiles.a"
	if out, err := exec.Command("go", "build", "-o", obj, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err = exec.Command("go", "tool", "nm", "-size", obj).Output()
	if err != nil {
		t.Fatal(err)
	}
	symbols := 0
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line) // address size type name
		if len(f) != 4 {
			continue
		}
		symbols++
		// The compiler may leave an init of a single return instruction.
		if size, err := strconv.Atoi(f[1]); strings.HasSuffix(f[3], "profiles.init") && (err != nil || size > 4) {
			t.Errorf("profiles has work at start: %s", line)
		}
	}
	if symbols == 0 {
		t.Error("no symbols read")
	}
}

// TestComparison counts, by interpretation, what Docker's default profile lets
// through without capabilities on amd64, next to this one; see docs/seccomp.md.
func TestComparison(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("counts are for amd64")
	}
	ours := parse(t, []byte(bare))
	theirs := docker(t, nil)
	type count struct{ allowed, filtered, rules, insns int }
	counts := map[string]count{}
	for name, p := range map[string]*specs.LinuxSeccomp{"runclad": ours, "docker": theirs} {
		prog, err := bpf.Compile(p, false)
		if err != nil {
			t.Fatal(err)
		}
		c := count{insns: len(prog)}
		free, some := map[string]bool{}, map[string]bool{}
		for _, s := range p.Syscalls {
			for _, n := range s.Names {
				i := slices.IndexFunc(syscalls.Table, func(s syscalls.Syscall) bool { return s.Name == n })
				if i < 0 || syscalls.Table[i].AMD64 < 0 {
					continue
				}
				if len(s.Args) > 0 {
					c.rules++
				}
				if s.Action != specs.ActAllow {
					continue
				}
				if len(s.Args) > 0 {
					some[n] = true
				} else {
					free[n] = true
				}
			}
		}
		for n := range some {
			if !free[n] {
				c.filtered++
			}
		}
		c.allowed = len(free)
		counts[name] = c
		t.Logf("%-8s %d allowed, %d by argument, %d in all; %d argument rules; %d BPF instructions (%d bytes)",
			name, c.allowed, c.filtered, c.allowed+c.filtered, c.rules, c.insns, c.insns*8)
	}
	if o, d := counts["runclad"], counts["docker"]; o.allowed >= d.allowed || o.insns >= d.insns {
		t.Errorf("not smaller than Docker's: %+v, %+v", o, d)
	}
}

func TestCapabilityNames(t *testing.T) {
	if n := Capability("CAP_CHECKPOINT_RESTORE"); n != 40 {
		t.Errorf("CAP_CHECKPOINT_RESTORE is number %d", n)
	}
	if n := bits.TrailingZeros64(uint64(1) << Capability("CAP_SYS_ADMIN")); n != 21 {
		t.Errorf("CAP_SYS_ADMIN is number %d", n)
	}
}
