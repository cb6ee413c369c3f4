// SPDX-License-Identifier: Apache-2.0

package profiles

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/profiles/bpf"
	"github.com/runclad/runclad/profiles/syscalls"
)

const x32Bit = 0x40000000

// setting is one profile to prove.
type setting struct {
	goarch string
	caps   syscalls.Caps
	tree   bool
}

// usedCaps are the capabilities that change a profile.
func usedCaps() syscalls.Caps {
	var used syscalls.Caps
	for i := range syscalls.Table {
		used |= syscalls.Table[i].Caps
		for _, r := range syscalls.Table[i].Rules {
			used |= r.Caps
		}
	}
	return used
}

func settings() []setting {
	used := usedCaps()
	var out []setting
	for _, goarch := range []string{"amd64", "arm64"} {
		for _, tree := range []bool{false, true} {
			out = append(out, setting{goarch, 0, tree})
		}
		for rest := used; rest != 0; rest &= rest - 1 {
			out = append(out, setting{goarch, rest & -rest, rest&1 == 0})
		}
		for _, tree := range []bool{false, true} {
			out = append(out, setting{goarch, used, tree}, setting{goarch, syscalls.Strict, tree}, setting{goarch, used | syscalls.Strict, tree})
		}
	}
	return out
}

// TestFilter compiles every profile as runc does and holds the filter against
// the table, over all numbers and the corners of all rules, with random bits in
// the halves of the arguments that the kernel does not look at.
func TestFilter(t *testing.T) {
	for _, s := range settings() {
		t.Run(fmt.Sprintf("%s/caps=%#x/tree=%t", s.goarch, uint64(s.caps), s.tree), func(t *testing.T) {
			t.Parallel()
			prove(t, s)
		})
	}
}

// TestPairsOfCapabilities: libseccomp takes every combination of two. (It
// refuses two rules with different actions for the same arguments.)
func TestPairsOfCapabilities(t *testing.T) {
	for a := usedCaps(); a != 0; a &= a - 1 {
		for b := a & (a - 1); b != 0; b &= b - 1 {
			caps := a&-a | b&-b | syscalls.Caps(bits.OnesCount64(uint64(a))%2)*syscalls.Strict
			raw, err := syscalls.Profile("amd64", caps)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := bpf.Compile(parse(t, raw), false); err != nil {
				t.Errorf("capabilities %#x: %v", uint64(caps), err)
			}
		}
	}
}

// TestHighBitsHole shows why no rule compares 64 bits of an int argument: under
// Docker's default, socket(40) is refused and socket(0x100000028), which is the
// same call to the kernel, is let through. It also shows that the interpreter
// would notice such a rule in a profile of ours.
func TestHighBitsHole(t *testing.T) {
	prog, err := bpf.Compile(docker(t, nil), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		family uint64
		want   uint32
	}{{unix.AF_VSOCK, bpf.RetErrno | 1}, {unix.AF_VSOCK | 1<<32, bpf.RetAllow}} {
		got, _, err := bpf.Run(prog, &bpf.Data{NR: unix.SYS_SOCKET, Arch: bpf.AuditAMD64, Args: [6]uint64{tt.family}})
		if err != nil || got != tt.want {
			t.Errorf("Docker's default, socket(%#x): %#x, %v; want %#x", tt.family, got, err, tt.want)
		}
	}
}

func prove(t *testing.T, s setting) {
	raw, err := syscalls.Profile(s.goarch, s.caps)
	if err != nil {
		t.Fatal(err)
	}
	prog, err := bpf.Compile(parse(t, raw), s.tree)
	if err != nil {
		t.Fatal(err)
	}
	audit, lib := uint32(bpf.AuditAMD64), libseccomp.ArchAMD64
	foreign := []uint32{bpf.AuditI386, bpf.AuditARM, bpf.AuditARM64, 0}
	if s.goarch == "arm64" {
		audit, lib = bpf.AuditARM64, libseccomp.ArchARM64
		foreign = []uint32{bpf.AuditI386, bpf.AuditARM, bpf.AuditAMD64, 0}
	}
	table := map[int]*syscalls.Syscall{}
	for i := range syscalls.Table {
		c := &syscalls.Table[i]
		n, ok := c.Number(s.goarch)
		if !ok {
			continue
		}
		got, err := libseccomp.GetSyscallFromNameByArch(c.Name, lib)
		if err != nil {
			continue // newer than this libseccomp: dropped by runc, so ENOSYS
		}
		if int(got) != n {
			t.Fatalf("%s: number %d, libseccomp has %d", c.Name, n, got)
		}
		table[n] = c
	}
	rng := rand.New(rand.NewPCG(7, uint64(s.caps)))
	checked := 0
	expect := func(d bpf.Data, want uint32, what string) {
		t.Helper()
		got, _, err := bpf.Run(prog, &d)
		if err != nil {
			t.Fatal(err)
		}
		checked++
		if got != want {
			t.Fatalf("%s (nr %#x, arch %#x, args %#x): filter says %#x, table says %#x", what, uint32(d.NR), d.Arch, d.Args, got, want)
		}
	}
	for nr := range 1024 {
		c := table[nr]
		if c == nil || len(c.Rules) == 0 {
			for range 8 {
				args := noise(rng, [6]uint64{})
				want := uint32(bpf.RetErrno | 38)
				name := "unknown call"
				if c != nil {
					want, name = verdict(c.Decide(s.caps, args)), c.Name
				}
				expect(bpf.Data{NR: int32(nr), Arch: audit, Args: args}, want, name)
			}
		} else {
			for args := range corners(c, rng) {
				expect(bpf.Data{NR: int32(nr), Arch: audit, Args: args}, verdict(c.Decide(s.caps, args)), c.Name)
			}
		}
		args := noise(rng, [6]uint64{})
		if s.goarch == "amd64" {
			expect(bpf.Data{NR: int32(nr | x32Bit), Arch: audit, Args: args}, bpf.RetKillThread, "x32 call")
		}
		for _, a := range foreign {
			expect(bpf.Data{NR: int32(nr), Arch: a, Args: args}, bpf.RetKillThread, "foreign architecture")
		}
	}
	for _, nr := range []int32{-1, 1024, 4096, 1 << 29, 0x3fffffff} {
		want := uint32(bpf.RetErrno | 38)
		if nr == -1 && s.goarch == "amd64" {
			// -1 is 0xffffffff, which has the x32 bit. libseccomp exempts it:
			// it is what a tracer sets to skip a call.
			want = bpf.RetErrno | 38
		}
		expect(bpf.Data{NR: nr, Arch: audit}, want, "number out of range")
	}
	t.Logf("%d instructions, %d calls checked", len(prog), checked)
}

func verdict(errno uint16) uint32 {
	if errno == syscalls.Allowed {
		return bpf.RetAllow
	}
	if errno == syscalls.Nothing {
		return bpf.RetErrno // 0
	}
	return bpf.RetErrno | uint32(errno)
}

// noise fills the high halves, and arguments that are zero, with random bits.
func noise(rng *rand.Rand, args [6]uint64) [6]uint64 {
	for i := range args {
		if args[i] == 0 && rng.IntN(2) == 0 {
			continue
		}
		args[i] |= uint64(rng.Uint32()) << 32
	}
	return args
}

// corners yields argument sets at and around every value that a rule of c
// names: the value, its neighbours, each bit flipped, with all combinations of
// the values of different arguments and random high halves.
func corners(c *syscalls.Syscall, rng *rand.Rand) func(func([6]uint64) bool) {
	values := [6][]uint32{}
	seen := map[[2]uint32]bool{}
	add := func(arg uint8, v uint32) {
		if k := [2]uint32{uint32(arg), v}; !seen[k] {
			seen[k] = true
			values[arg] = append(values[arg], v)
		}
	}
	exact := [6][]uint32{}
	conds := func(conds []syscalls.Cond) {
		for _, cond := range conds {
			for _, v := range append(append([]uint32{0, 0xffffffff}, cond.In...), cond.NotIn...) {
				exact[cond.Arg] = append(exact[cond.Arg], v, v^(cond.Mask&-cond.Mask))
				add(cond.Arg, v)
				add(cond.Arg, v+1)
				add(cond.Arg, v-1)
				for b := range 32 {
					add(cond.Arg, v^1<<b)
				}
			}
			for m := cond.Mask; m != 0; m &= m - 1 {
				add(cond.Arg, 1<<bits.TrailingZeros32(m))
			}
		}
	}
	for _, r := range c.Rules {
		conds(r.Conds)
	}
	for _, r := range c.Refuse {
		conds(r.Conds)
	}
	return func(yield func([6]uint64) bool) {
		// Every corner of each argument against the named values of the others.
		for arg := range values {
			for _, v := range values[arg] {
				base := [6]uint64{}
				base[arg] = uint64(v)
				if !others(arg, 0, base, exact, rng, yield) {
					return
				}
			}
		}
		for range 20000 {
			var args [6]uint64
			for i := range args {
				switch n := len(values[i]); {
				case n > 0 && rng.IntN(4) > 0:
					args[i] = uint64(values[i][rng.IntN(n)])
				default:
					args[i] = uint64(rng.Uint32())
				}
			}
			if !yield(noise(rng, args)) {
				return
			}
		}
	}
}

func others(fixed, arg int, args [6]uint64, exact [6][]uint32, rng *rand.Rand, yield func([6]uint64) bool) bool {
	if arg == len(args) {
		return yield(args) && yield(noise(rng, args))
	}
	if arg == fixed || len(exact[arg]) == 0 {
		return others(fixed, arg+1, args, exact, rng, yield)
	}
	done := map[uint32]bool{}
	for _, v := range exact[arg] {
		if done[v] {
			continue
		}
		done[v] = true
		args[arg] = uint64(v)
		if !others(fixed, arg+1, args, exact, rng, yield) {
			return false
		}
	}
	return true
}

func parse(t testing.TB, raw []byte) *specs.LinuxSeccomp {
	t.Helper()
	var p specs.LinuxSeccomp
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatalf("the profile is not JSON: %v", err)
	}
	return &p
}

// TestRules states in plain Go what the kernel does with the arguments that
// matter most, independent of the table's own rules, and holds the compiled
// filter against it.
func TestRules(t *testing.T) {
	raw, err := syscalls.Profile("amd64", 0)
	if err != nil {
		t.Fatal(err)
	}
	prog, err := bpf.Compile(parse(t, raw), true)
	if err != nil {
		t.Fatal(err)
	}
	const (
		high    = 0xdeadbeef << 32
		nothing = 0xffff
	)
	for _, tt := range []struct {
		what  string
		nr    int32
		args  []uint64
		errno uint32
	}{
		{"socket AF_UNIX", unix.SYS_SOCKET, []uint64{unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC, 0}, 0},
		{"socket AF_INET TCP", unix.SYS_SOCKET, []uint64{unix.AF_INET, unix.SOCK_STREAM | unix.SOCK_NONBLOCK, unix.IPPROTO_TCP}, 0},
		{"socket AF_INET6 ICMPv6", unix.SYS_SOCKET, []uint64{unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_ICMPV6}, 0},
		{"socket AF_INET, high bits set", unix.SYS_SOCKET, []uint64{unix.AF_INET | high, unix.SOCK_STREAM | high, high}, 0},
		{"socket AF_INET ICMPv6", unix.SYS_SOCKET, []uint64{unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMPV6}, 38},
		{"socket SCTP", unix.SYS_SOCKET, []uint64{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP}, 38},
		{"socket SCTP as the default of SEQPACKET", unix.SYS_SOCKET, []uint64{unix.AF_INET, unix.SOCK_SEQPACKET, 0}, 38},
		{"socket SOCK_PACKET", unix.SYS_SOCKET, []uint64{unix.AF_INET, unix.SOCK_PACKET, 0}, 38},
		{"socket MPTCP", unix.SYS_SOCKET, []uint64{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP}, 38},
		{"socket AF_VSOCK", unix.SYS_SOCKET, []uint64{unix.AF_VSOCK, unix.SOCK_STREAM, 0}, 38},
		{"socket AF_VSOCK, high bits set", unix.SYS_SOCKET, []uint64{unix.AF_VSOCK | high, unix.SOCK_STREAM, 0}, 38},
		{"socket AF_ALG", unix.SYS_SOCKET, []uint64{unix.AF_ALG | high, unix.SOCK_SEQPACKET, 0}, 38},
		{"socket AF_PACKET", unix.SYS_SOCKET, []uint64{unix.AF_PACKET, unix.SOCK_RAW, 0}, 38},
		{"socket netlink route", unix.SYS_SOCKET, []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}, 0},
		{"socket netlink netfilter", unix.SYS_SOCKET, []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER}, 38},
		{"socket netlink audit", unix.SYS_SOCKET, []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT}, 93},
		{"clone fork", unix.SYS_CLONE, []uint64{uint64(unix.SIGCHLD) | unix.CLONE_CHILD_SETTID}, 0},
		{"clone thread", unix.SYS_CLONE, []uint64{0x3d0f00}, 0},
		{"clone user namespace", unix.SYS_CLONE, []uint64{unix.CLONE_NEWUSER | uint64(unix.SIGCHLD)}, 38},
		{"clone user namespace, high bits set", unix.SYS_CLONE, []uint64{unix.CLONE_NEWUSER | high}, 38},
		{"clone3", unix.SYS_CLONE3, nil, 38},
		{"unshare", unix.SYS_UNSHARE, []uint64{unix.CLONE_NEWUSER}, 1},
		{"setsockopt TCP_NODELAY", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_TCP, unix.TCP_NODELAY}, 0},
		{"setsockopt TCP_ULP", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_TCP, unix.TCP_ULP}, 38},
		{"setsockopt TCP_ULP, high bits set", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_TCP | high, unix.TCP_ULP | high}, 38},
		{"setsockopt SO_PEERSEC, which can only be read", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_SOCKET, unix.SO_PEERSEC}, 38},
		{"setsockopt SO_INCOMING_CPU", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_SOCKET, unix.SO_INCOMING_CPU}, 0},
		{"setsockopt SO_BINDTODEVICE", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_SOCKET, unix.SO_BINDTODEVICE}, 0},
		{"setsockopt SO_DETACH_FILTER", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_SOCKET, unix.SO_DETACH_FILTER}, 0},
		{"setsockopt SO_ZEROCOPY", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_SOCKET, unix.SO_ZEROCOPY}, 0},
		{"setsockopt SO_PASSRIGHTS", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_SOCKET, 83}, 0},
		{"setsockopt TCP_FASTOPEN_CONNECT", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_TCP, unix.TCP_FASTOPEN_CONNECT}, 0},
		{"setsockopt TCP_CONGESTION", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_TCP, unix.TCP_CONGESTION}, 0},
		{"setsockopt UDP_SEGMENT", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_UDP, unix.UDP_SEGMENT}, 0},
		{"setsockopt IPV6_PKTINFO", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_IPV6, unix.IPV6_PKTINFO}, 0},
		{"setsockopt IP_MULTICAST_ALL", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_IP, unix.IP_MULTICAST_ALL}, 0},
		{"setsockopt SO_ATTACH_FILTER", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER}, 38},
		{"setsockopt SO_ATTACH_BPF", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_SOCKET, unix.SO_ATTACH_BPF | high}, 38},
		{"setsockopt SO_ATTACH_REUSEPORT_CBPF", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF}, 38},
		{"setsockopt SO_ATTACH_REUSEPORT_EBPF", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_EBPF}, 38},
		{"setsockopt IPV6_V6ONLY", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_IPV6, unix.IPV6_V6ONLY}, 0},
		{"setsockopt netlink", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK}, 0},
		{"setsockopt SO_RCVBUFFORCE", unix.SYS_SETSOCKOPT, []uint64{3, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE}, 0},
		{"ioctl TCGETS", unix.SYS_IOCTL, []uint64{0, unix.TCGETS | high}, 0},
		{"ioctl TIOCGWINSZ", unix.SYS_IOCTL, []uint64{0, unix.TIOCGWINSZ}, 0},
		{"ioctl TIOCSTI", unix.SYS_IOCTL, []uint64{0, unix.TIOCSTI}, 38},
		{"ioctl TIOCSTI, high bits set", unix.SYS_IOCTL, []uint64{0, unix.TIOCSTI | high}, 38},
		{"ioctl TIOCLINUX", unix.SYS_IOCTL, []uint64{0, 0x541c}, 38},
		{"ioctl TIOCCONS", unix.SYS_IOCTL, []uint64{0, unix.TIOCCONS}, 38},
		{"ioctl TIOCSETD", unix.SYS_IOCTL, []uint64{0, unix.TIOCSETD}, 38},
		{"ioctl SIOCGIFCONF", unix.SYS_IOCTL, []uint64{0, 0x8912}, 0},
		{"ioctl FS_IOC_GETFLAGS", unix.SYS_IOCTL, []uint64{0, unix.FS_IOC_GETFLAGS}, 0},
		{"ioctl BLKGETSIZE64", unix.SYS_IOCTL, []uint64{0, 0x80081272}, 0},
		{"ioctl KVM_CREATE_VM", unix.SYS_IOCTL, []uint64{0, 0xae01}, 38},
		{"chmod 0755", unix.SYS_CHMOD, []uint64{0, 0o755}, 0},
		{"chmod 02775", unix.SYS_CHMOD, []uint64{0, 0o2775}, 0},
		{"chmod 04755", unix.SYS_CHMOD, []uint64{0, 0o4755}, 1},
		{"fchmodat 04755, high bits set", unix.SYS_FCHMODAT, []uint64{0, 0, 0o4755 | high}, 1},
		{"chown to another", unix.SYS_CHOWN, []uint64{0, 1000, 1000}, nothing},
		{"chown to the owner that it has", unix.SYS_CHOWN, []uint64{0, 0xffffffff, 1000}, 0},
		{"setgroups", unix.SYS_SETGROUPS, []uint64{3, 0}, nothing},
		{"setgroups of none, high bits set", unix.SYS_SETGROUPS, []uint64{high, 0}, nothing},
		{"setgroups of a negative size", unix.SYS_SETGROUPS, []uint64{0xffffffff, 0}, 0},
		{"setuid", unix.SYS_SETUID, []uint64{1000}, 0},
		{"setresgid", unix.SYS_SETRESGID, []uint64{1000, 1000, 1000}, 0},
		{"mkdir 04755", unix.SYS_MKDIR, []uint64{0, 0o4755}, 38},
		{"open without O_CREAT", unix.SYS_OPEN, []uint64{0, unix.O_RDWR, 0o4755}, 0},
		{"open O_CREAT 04755", unix.SYS_OPEN, []uint64{0, unix.O_CREAT | unix.O_WRONLY, 0o4755}, 38},
		{"openat O_TMPFILE 04755", unix.SYS_OPENAT, []uint64{0, 0, unix.O_TMPFILE | unix.O_RDWR | high, 0o4755 | high}, 38},
		{"openat O_CREAT 0644", unix.SYS_OPENAT, []uint64{0, 0, unix.O_CREAT, 0o644}, 0},
		{"openat2", unix.SYS_OPENAT2, nil, 38},
		{"mknod FIFO", unix.SYS_MKNOD, []uint64{0, unix.S_IFIFO | 0o600}, 0},
		{"mknod socket", unix.SYS_MKNOD, []uint64{0, unix.S_IFSOCK | 0o600}, 0},
		{"mknod character device", unix.SYS_MKNOD, []uint64{0, unix.S_IFCHR | 0o600}, 38},
		{"mknodat block device", unix.SYS_MKNODAT, []uint64{0, 0, unix.S_IFBLK | 0o600}, 38},
		{"mknod setuid file", unix.SYS_MKNOD, []uint64{0, unix.S_IFREG | 0o4755}, 38},
		{"personality query", unix.SYS_PERSONALITY, []uint64{0xffffffff}, 0},
		{"personality READ_IMPLIES_EXEC", unix.SYS_PERSONALITY, []uint64{0x400000}, 38},
		{"personality ADDR_NO_RANDOMIZE, high bits set", unix.SYS_PERSONALITY, []uint64{0x40000 | high}, 38},
		{"prctl PR_SET_NAME", unix.SYS_PRCTL, []uint64{unix.PR_SET_NAME}, 0},
		{"prctl PR_SET_MM", unix.SYS_PRCTL, []uint64{unix.PR_SET_MM}, 38},
		{"prctl PR_SET_MM, high bits set", unix.SYS_PRCTL, []uint64{unix.PR_SET_MM | high}, 38},
		{"futex wait", unix.SYS_FUTEX, []uint64{0, 128 | 9 | 256}, 0},
		{"futex lock PI", unix.SYS_FUTEX, []uint64{0, 6}, 0},
		{"futex wait requeue PI", unix.SYS_FUTEX, []uint64{0, 128 | 11}, 38},
		{"futex cmp requeue PI, high bits set", unix.SYS_FUTEX, []uint64{0, 256 | 12 | high}, 38},
		{"madvise DONTNEED", unix.SYS_MADVISE, []uint64{0, 0, unix.MADV_DONTNEED}, 0},
		{"madvise COLLAPSE", unix.SYS_MADVISE, []uint64{0, 0, unix.MADV_COLLAPSE}, 38},
		{"madvise HWPOISON", unix.SYS_MADVISE, []uint64{0, 0, unix.MADV_HWPOISON | high}, 38},
		{"madvise SOFT_OFFLINE", unix.SYS_MADVISE, []uint64{0, 0, 101}, 38},
		{"sendto MSG_OOB", unix.SYS_SENDTO, []uint64{0, 0, 0, unix.MSG_OOB | unix.MSG_DONTWAIT}, 38},
		{"recvmsg MSG_OOB", unix.SYS_RECVMSG, []uint64{0, 0, unix.MSG_OOB}, 38},
		{"sendmsg MSG_NOSIGNAL", unix.SYS_SENDMSG, []uint64{0, 0, unix.MSG_NOSIGNAL}, 0},
		{"splice", unix.SYS_SPLICE, nil, 22},
		{"tee", unix.SYS_TEE, nil, 22},
		{"vmsplice", unix.SYS_VMSPLICE, nil, 22},
		{"io_uring_setup", unix.SYS_IO_URING_SETUP, nil, 38},
		{"keyctl", unix.SYS_KEYCTL, nil, 38},
		{"ptrace", unix.SYS_PTRACE, nil, 1},
		{"mount", unix.SYS_MOUNT, nil, 1},
		{"bpf", unix.SYS_BPF, nil, 1},
	} {
		d := bpf.Data{NR: tt.nr, Arch: bpf.AuditAMD64}
		copy(d.Args[:], tt.args)
		want := uint32(bpf.RetAllow)
		switch tt.errno {
		case 0:
		case nothing:
			want = bpf.RetErrno // 0, and not done
		default:
			want = bpf.RetErrno | tt.errno
		}
		if got, _, err := bpf.Run(prog, &d); err != nil || got != want {
			t.Errorf("%s: %#x, %v; want %#x", tt.what, got, err, want)
		}
	}
}
