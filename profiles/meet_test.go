// SPDX-License-Identifier: Apache-2.0

package profiles

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/profiles/bpf"
	"github.com/runclad/runclad/profiles/filter"
	"github.com/runclad/runclad/profiles/syscalls"
)

func value(t testing.TB, raw string) *spec.Value {
	t.Helper()
	v, err := spec.ParseValue([]byte(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return v
}

func parsed(t testing.TB, raw string) *filter.Filter {
	t.Helper()
	f, err := filter.Parse(value(t, raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return f
}

// engineProfiles are the profiles that real engines sent (from the corpus of
// package harden), each once, and Docker's current ones.
func engineProfiles(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../internal/harden/testdata/corpus/*/*/*.config.json")
	if err != nil || len(files) < 90 {
		t.Fatal(len(files), err)
	}
	out := map[string]string{}
	seen := map[string]bool{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p := value(t, string(raw)).Get("linux", "seccomp")
		if p != nil && !seen[p.String()] {
			seen[p.String()] = true
			out[strings.TrimPrefix(filepath.Dir(file), "../internal/harden/testdata/corpus/")] = p.String()
		}
	}
	for name, caps := range map[string][]string{"moby": dockerCaps, "moby without capabilities": nil} {
		raw, err := json.Marshal(docker(t, caps))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(raw)
	}
	if len(out) < 8 {
		t.Fatalf("only %d profiles", len(out))
	}
	return out
}

// TestMeetWithEngines: ours stays as it is under the stock profiles of current
// engines. At level engine the result is the meet to the letter.
func TestMeetWithEngines(t *testing.T) {
	for name, raw := range engineProfiles(t) {
		got, notes, err := Meet(Options{Runtime: "runc"}, value(t, raw))
		if err != nil || len(notes) > 0 {
			t.Fatal(name, err, notes)
		}
		// Docker 20.10 refuses pkey_alloc, pkey_free and pkey_mprotect.
		narrower := strings.HasPrefix(name, "docker/")
		if same := unsafe.StringData(got) == unsafe.StringData(bare); same == narrower {
			t.Errorf("%s: the embedded text is used: %t", name, same)
		}
		for _, level := range []string{LevelEngine, LevelStrict} {
			t.Run(name+"/"+level, func(t *testing.T) { proveMeet(t, Options{Runtime: "runc", Level: level}, raw, level == LevelEngine) })
		}
	}
}

func TestMeetWithCustomProfile(t *testing.T) {
	var raw string
	for name, p := range engineProfiles(t) {
		if strings.Contains(name, "29-custom") {
			raw = p
		}
	}
	got, _, err := Meet(Options{Runtime: "runc"}, value(t, raw))
	if err != nil {
		t.Fatal(err)
	}
	theirs := parsed(t, raw)
	if len(theirs.Rules) != 1 || len(theirs.Rules[0].Names) != 1 {
		t.Fatalf("the profile is not the one this test is for: %s", raw)
	}
	call := theirs.Rules[0].Names[0]
	f := parsed(t, got)
	if a := f.Decide(call, [6]uint64{}); a != theirs.Rules[0].Action {
		t.Errorf("%s: %s, the engine's profile has %s", call, a, theirs.Rules[0].Action)
	}
	if !f.Decide("read", [6]uint64{}).Allows() || f.Decide("io_uring_setup", [6]uint64{}).Allows() {
		t.Error("read is refused, or io_uring allowed")
	}
}

// proveMeet holds the result of Meet against the two that it is made from, in
// pure Go and in the BPF that libseccomp makes of it.
func proveMeet(t *testing.T, o Options, raw string, exact bool) {
	t.Helper()
	got, notes, err := Meet(o, value(t, raw))
	if err != nil {
		t.Fatal(err)
	}
	set, err := o.set()
	if err != nil {
		t.Fatal(err)
	}
	theirs, result := parsed(t, raw), parsed(t, got)
	p := parse(t, []byte(got))
	checkMeetShape(t, p)
	prog, err := bpf.Compile(p, false)
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	rng := rand.New(rand.NewPCG(11, 12))
	for i := range syscalls.Table {
		s := &syscalls.Table[i]
		n, ok := s.Number(runtime.GOARCH)
		if !ok {
			continue
		}
		values := interesting(s, theirs)
		rounds := 40
		if len(values) > 2 {
			rounds = 1500
		}
		noted := slices.ContainsFunc(notes, func(n string) bool { return strings.HasPrefix(n, "seccomp: "+s.Name+":") })
		for range rounds {
			var args [6]uint64
			high := rng.IntN(3) == 0
			for a := range args {
				args[a] = values[rng.IntN(len(values))]
				switch rng.IntN(5) {
				case 0:
					args[a] ^= 1 << rng.IntN(32)
				case 1:
					args[a] = uint64(rng.Uint32())
				}
				if high {
					args[a] |= uint64(rng.Uint32()) << 32
				} else {
					args[a] &= 0xffffffff
				}
			}
			ours := s.Decide(syscalls.Caps(set), args)
			engine := theirs.Decide(s.Name, args)
			want := ours == syscalls.Allowed && engine.Allows()
			a := result.Decide(s.Name, args)
			if a.Allows() && !want && (exact || ours != syscalls.Allowed) {
				t.Fatalf("%s%#x is allowed: ours %d, the engine's %s", s.Name, args, ours, engine)
			}
			if !a.Allows() && want && !high && !noted {
				t.Fatalf("%s%#x is refused with %s, and both allow it", s.Name, args, a)
			}
			if engine.Kind > filter.Errno && theirs.Call(s.Name) != nil && theirs.Call(s.Name).Lone && a != engine {
				t.Fatalf("%s: %s, the engine's profile has %s", s.Name, a, engine)
			}
			if !bpf.Known(s.Name) {
				continue
			}
			ret, _, err := bpf.Run(prog, &bpf.Data{NR: int32(n), Arch: native(), Args: args})
			if err != nil {
				t.Fatal(err)
			}
			if allows := ret == bpf.RetAllow; allows != a.Allows() {
				t.Fatalf("%s%#x: BPF %#x, Decide %s", s.Name, args, ret, a)
			}
		}
	}
}

func native() uint32 {
	if runtime.GOARCH == "arm64" {
		return bpf.AuditARM64
	}
	return bpf.AuditAMD64
}

func interesting(s *syscalls.Syscall, f *filter.Filter) []uint64 {
	out := []uint64{0, 0xffffffff}
	conds := func(conds []syscalls.Cond) {
		for _, c := range conds {
			for _, v := range append(append([]uint32{c.Mask}, c.In...), c.NotIn...) {
				out = append(out, uint64(v))
			}
		}
	}
	for _, r := range s.Rules {
		conds(r.Conds)
	}
	for _, r := range s.Refuse {
		conds(r.Conds)
	}
	if c := f.Call(s.Name); c != nil {
		for _, t := range c.Terms {
			for _, c := range t.Conds {
				out = append(out, c.Val, c.Mask, c.Val-1)
			}
		}
	}
	return out
}

// checkMeetShape: the rules of construction hold for a meet too.
func checkMeetShape(t *testing.T, p *specs.LinuxSeccomp) {
	t.Helper()
	if len(p.Architectures) != 1 || len(p.Flags) > 0 || p.ListenerPath != "" {
		t.Fatalf("architectures %v, flags %v, listener %q", p.Architectures, p.Flags, p.ListenerPath)
	}
	for _, s := range p.Syscalls {
		if len(s.Names) == 0 {
			t.Fatal("a rule without names")
		}
		seen := map[uint]bool{}
		for _, a := range s.Args {
			if a.Op != specs.OpMaskedEqual || seen[a.Index] {
				t.Fatalf("%v: %+v", s.Names, s.Args)
			}
			seen[a.Index] = true
		}
	}
}

// TestMeetRandom proves the meet with random profiles.
func TestMeetRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	ops := []string{"EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ"}
	actions := []string{`ALLOW"`, `ALLOW"`, `LOG"`, `ERRNO"`, `ERRNO","errnoRet":2`, `KILL"`, `KILL_PROCESS"`, `TRAP"`, `NOTIFY"`, `TRACE"`}
	defaults := []string{`ALLOW"`, `ERRNO"`, `ERRNO","defaultErrnoRet":38`, `KILL_PROCESS"`, `LOG"`, `TRAP"`}
	for range 60 {
		var rules []string
		names := make([]string, 0, len(syscalls.Table))
		for i := range syscalls.Table {
			if n := syscalls.Table[i].Name; !needs("runc", n) && rng.IntN(10) > 0 {
				names = append(names, n)
			}
		}
		rules = append(rules, `{"names":["execve","close","fstatfs","getdents64","openat","write"],"action":"SCMP_ACT_ALLOW"}`)
		for _, n := range names {
			if strings.Contains("socket clone ioctl mmap prctl read setsockopt futex personality chmod fcntl", n) {
				for range 1 + rng.IntN(2) {
					var args []string
					for _, i := range rng.Perm(3)[:rng.IntN(3)] {
						v := []uint64{uint64(rng.IntN(50)), uint64(rng.Uint32()), rng.Uint64(), 0x5401, 0x7e020000, 2, 1 << rng.IntN(40)}[rng.IntN(7)]
						two := []uint64{0, uint64(rng.IntN(50)), v}[rng.IntN(3)]
						args = append(args, fmt.Sprintf(`{"index":%d,"value":%d,"valueTwo":%d,"op":"SCMP_CMP_%s"}`, i, v, two, ops[rng.IntN(len(ops))]))
					}
					rules = append(rules, fmt.Sprintf(`{"names":[%q],"action":"SCMP_ACT_%s,"args":[%s]}`, n, actions[rng.IntN(len(actions))], strings.Join(args, ",")))
				}
				continue
			}
			rules = append(rules, fmt.Sprintf(`{"names":[%q],"action":"SCMP_ACT_%s}`, n, actions[rng.IntN(len(actions))]))
		}
		raw := `{"defaultAction":"SCMP_ACT_` + defaults[rng.IntN(len(defaults))] + `,"architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86"],"syscalls":[` + strings.Join(rules, ",") + `]}`
		o := Options{Runtime: "runc", Level: []string{LevelEngine, LevelStrict}[rng.IntN(2)], Device: rng.IntN(2) == 0}
		if rng.IntN(2) == 0 {
			o.Capabilities = []string{"CAP_NET_RAW", "CAP_SYS_ADMIN"}[:1+rng.IntN(2)]
		}
		proveMeet(t, o, raw, true)
	}
}

// TestMeetIgnoresNewerCalls: a profile that is older than a call rather than
// narrower does not count against it, except at level engine; one that is
// narrower anywhere counts to the letter.
func TestMeetIgnoresNewerCalls(t *testing.T) {
	old := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Syscalls: []specs.LinuxSyscall{{Action: specs.ActAllow}}}
	for i := range calls {
		if v := since(calls[i].Name); v <= 508 {
			old.Syscalls[0].Names = append(old.Syscalls[0].Names, calls[i].Name)
		}
	}
	text := func() *spec.Value {
		raw, err := json.Marshal(old)
		if err != nil {
			t.Fatal(err)
		}
		return value(t, string(raw))
	}
	meet := func(level string) *filter.Filter {
		got, _, err := Meet(Options{Runtime: "runc", Level: level}, text())
		if err != nil {
			t.Fatal(err)
		}
		return parsed(t, got)
	}
	allows := func(f *filter.Filter, name string) bool { return f.Decide(name, [6]uint64{}).Allows() }
	if !allows(meet(LevelDefault), "landlock_create_ruleset") || !allows(meet(LevelStrict), "landlock_create_ruleset") {
		t.Error("a call newer than the profile is refused")
	}
	if allows(meet(LevelEngine), "landlock_create_ruleset") {
		t.Error("level engine: a call that the profile does not allow is allowed")
	}
	old.Syscalls[0].Names = slices.DeleteFunc(old.Syscalls[0].Names, func(n string) bool { return n == "mkdir" })
	if f := meet(LevelDefault); allows(f, "landlock_create_ruleset") || allows(f, "mkdir") || !allows(f, "mkdirat") {
		t.Error("a narrower profile is not taken to the letter")
	}
}

func TestMeetKeepsActions(t *testing.T) {
	const raw = `{"defaultAction":"SCMP_ACT_KILL_PROCESS","syscalls":[
		{"names":["execve","close","fstatfs","getdents64","openat","write","clone3","futex"],"action":"SCMP_ACT_ALLOW"},
		{"names":["read"],"action":"SCMP_ACT_NOTIFY"},{"names":["mount","lseek"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]}`
	got, notes, err := Meet(Options{Runtime: "runc"}, value(t, raw))
	if err != nil {
		t.Fatal(err)
	}
	f := parsed(t, got)
	for name, want := range map[string]filter.Action{
		"write": {Kind: filter.Allow}, "getpid": {Kind: filter.KillProcess}, "ptrace": {Kind: filter.KillProcess},
		"mount": {Kind: filter.Errno, Errno: 1}, "lseek": {Kind: filter.Errno, Errno: 95},
		"clone3": nosys, "read": nosys, "a_call_of_tomorrow": {Kind: filter.KillProcess},
	} {
		if a := f.Decide(name, [6]uint64{}); a != want {
			t.Errorf("%s: %s, want %s", name, a, want)
		}
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "read: SCMP_ACT_NOTIFY") {
		t.Errorf("notes %q", notes)
	}
}

func TestMeetRefuses(t *testing.T) {
	for _, tt := range []struct {
		raw, want string
		err       error
	}{
		{`{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read","write"],"action":"SCMP_ACT_ALLOW"}]}`, "close, which runc calls", ErrTail},
		{`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["execve"],"action":"SCMP_ACT_ERRNO"}]}`, "execve", ErrTail},
		{`{"defaultAction":"SCMP_ACT_ERRNO"}`, "no call", ErrTail},
		{`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_NEW"}]}`, "SCMP_ACT_NEW", filter.ErrFilter},
		{`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO","args":[{"index":1,"value":1,"op":"SCMP_CMP_IN"}]}]}`, "SCMP_CMP_IN", filter.ErrFilter},
	} {
		got, _, err := Meet(Options{Runtime: "runc"}, value(t, tt.raw))
		if got != "" || !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %q, %v", tt.raw, got, err)
		}
	}
	if got, _, err := Meet(Options{Runtime: "crun"}, nil); err != nil || got != bare {
		t.Errorf("without a profile of the engine: %v", err)
	}
}

// BenchmarkMeet measures what the create path pays.
func BenchmarkMeet(b *testing.B) {
	list := engineProfiles(b)
	for _, name := range []string{"moby", "docker/01-run-rm", "docker/29-custom-seccomp", "podman/01-run-rm", "containerd2/09-seccomp"} {
		v := value(b, list[name])
		for _, level := range []string{LevelDefault, LevelEngine} {
			b.Run(name+"/"+level, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := Meet(Options{Runtime: "runc", Level: level}, v); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
