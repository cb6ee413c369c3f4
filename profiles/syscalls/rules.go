// SPDX-License-Identifier: Apache-2.0

package syscalls

// all is the mask of a plain comparison.
const all = 0xffffffff

// clone(2): no new namespace. 0x7e020000 is CLONE_NEWNS, NEWCGROUP, NEWUTS,
// NEWIPC, NEWUSER, NEWPID and NEWNET; CLONE_NEWTIME lies within clone's signal
// number and exists for unshare and clone3 alone (clone(2)).
var cloneRules = []Rule{{Conds: []Cond{{Arg: 0, Mask: 0x7e020000, In: []uint32{0}}}}}

// socket(2): families 1 AF_UNIX, 2 AF_INET, 10 AF_INET6, 16 AF_NETLINK, 17
// AF_PACKET; protocols 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6; netlink protocols
// 0 ROUTE, 9 AUDIT.
//
// The type is looked at too, because protocol 0 means "the default of the
// type": SOCK_SEQPACKET (5) would give SCTP, SOCK_DCCP (6) DCCP, and with
// AF_INET type SOCK_PACKET (10) becomes an AF_PACKET socket
// (net/socket.c __sock_create, net/ipv4/af_inet.c inet_create). 0xc leaves 1
// STREAM, 2 DGRAM and 3 RAW; the kernel takes the type from the low four bits
// and refuses what it does not know above them.
//
// At level strict AF_UNIX is for streams alone.
var socketRules = []Rule{
	{Level: NotStrict, Conds: []Cond{{Arg: 0, Mask: all, In: []uint32{1}}}},
	{Level: AtStrict, Conds: []Cond{{Arg: 0, Mask: all, In: []uint32{1}}, {Arg: 1, Mask: 0xf, In: []uint32{1}}}},
	{Conds: []Cond{{Arg: 0, Mask: all, In: []uint32{2}}, {Arg: 1, Mask: 0xc, In: []uint32{0}}, {Arg: 2, Mask: all, In: []uint32{0, 1, 6, 17}}}},
	{Conds: []Cond{{Arg: 0, Mask: all, In: []uint32{10}}, {Arg: 1, Mask: 0xc, In: []uint32{0}}, {Arg: 2, Mask: all, In: []uint32{0, 6, 17, 58}}}},
	{Conds: []Cond{{Arg: 0, Mask: all, In: []uint32{16}}, {Arg: 2, Mask: all, In: []uint32{0}}}},
	// CAP_NET_RAW: raw sockets of any protocol, and packet sockets.
	{Caps: netRaw, Conds: []Cond{{Arg: 0, Mask: all, In: []uint32{2, 10}}, {Arg: 1, Mask: 0xf, In: []uint32{3}}}},
	{Caps: netRaw, Conds: []Cond{{Arg: 0, Mask: all, In: []uint32{17}}}},
	// CAP_NET_ADMIN: netfilter, xfrm, generic netlink and the rest.
	{Caps: netAdmin, Conds: []Cond{{Arg: 0, Mask: all, In: []uint32{16}}}},
	{Caps: auditWrite | auditControl | auditRead, Conds: []Cond{{Arg: 0, Mask: all, In: []uint32{16}}, {Arg: 2, Mask: all, In: []uint32{9}}}},
}

var socketpairRules = socketRules[:2]

// setsockopt(2): every option but TCP_ULP (level 6, 31) and SO_ATTACH_FILTER,
// SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF and SO_ATTACH_REUSEPORT_EBPF (level 1;
// 26, 50, 51, 52). The low five bits tell these two levels from those of the other
// families that socket(2) allows (include/linux/socket.h), and the low seven bits
// these options from all others that the two have (socket(7), tcp(7)); 31 of
// level 1, SO_PEERSEC, can only be read, as 26 of level 6, TCP_CC_INFO. To compare
// all bits, and the two levels apart, would take 67 rules.
var setsockoptRules = []Rule{
	{Conds: []Cond{{Arg: 1, Mask: 0x1f, NotIn: []uint32{1, 6}}}},
	{Conds: []Cond{{Arg: 2, Mask: 0x7f, NotIn: []uint32{26, 31, 50, 51, 52}}}},
}

// ioctl(2): terminals and FIO* command by command, without TIOCSTI (0x5412),
// TIOCLINUX (0x541c), TIOCCONS (0x541d) and TIOCSETD (0x5423); and five whole
// type bytes: 0x89 sockets, 'f' and 'X' file systems, 'R' random, 0x12 block
// devices. Numbers: include/uapi/asm-generic/ioctls.h.
//
// A container that was given a device gets the commands of every driver: all
// but the page of the terminals, where the list above holds.
var ioctlRules = []Rule{
	{Caps: Device, Conds: []Cond{{Arg: 1, Mask: 0xff00, NotIn: []uint32{0x5400}}}},
	{Conds: []Cond{{Arg: 1, Mask: 0xff00, In: []uint32{0x8900, 0x6600, 0x5800, 0x5200, 0x1200}}}},
	{Conds: []Cond{{Arg: 1, Mask: all, In: []uint32{
		0x5400, 0x5401, 0x5402, 0x5403, 0x5404, // unused TCGETS TCSETS TCSETSW TCSETSF
		0x5405, 0x5406, 0x5407, 0x5408, // TCGETA TCSETA TCSETAW TCSETAF
		0x5409, 0x540a, 0x540b, // TCSBRK TCXONC TCFLSH
		0x540c, 0x540d, 0x540e, // TIOCEXCL TIOCNXCL TIOCSCTTY
		0x540f, 0x5410, 0x5411, // TIOCGPGRP TIOCSPGRP TIOCOUTQ
		0x5413, 0x5414, // TIOCGWINSZ TIOCSWINSZ
		0x5415, 0x5416, 0x5417, 0x5418, // TIOCMGET TIOCMBIS TIOCMBIC TIOCMSET
		0x5419, 0x541a, 0x541b, // TIOCGSOFTCAR TIOCSSOFTCAR FIONREAD
		0x5420, 0x5421, 0x5422, // TIOCPKT FIONBIO TIOCNOTTY
		0x5424, 0x5425, 0x5426, 0x5427, 0x5428, 0x5429, // TIOCGETD TCSBRKP unused TIOCSBRK TIOCCBRK TIOCGSID
		0x802c542a, 0x402c542b, 0x402c542c, 0x402c542d, // TCGETS2 TCSETS2 TCSETSW2 TCSETSF2
		0x80045430, 0x40045431, 0x5441, // TIOCGPTN TIOCSPTLCK TIOCGPTPEER
		0x5450, 0x5451, 0x5452, 0x5460, // FIONCLEX FIOCLEX FIOASYNC FIOQSIZE
	}}}},
}

// setuid is S_ISUID, octal 04000; setids is S_ISUID|S_ISGID, octal 06000.
const (
	setuid = 0x800
	setids = 0xc00
)

// chown(2) without CAP_CHOWN can give nothing away. What names an owner below
// 2^31 is answered with 0 and not done, as builders of images without privileges
// answer it, so that entrypoints that give their files to a user of the image go
// on. The rest is left to the kernel: -1, which keeps the owner, changes the
// group alone, and a file's owner may give it to a group he is in (chgrp_ok in
// fs/attr.c). One bit tells them apart, where -1 itself would take 32 rules.
const ownerBit = 0x80000000

var (
	groupInArg1 = []Rule{{Conds: []Cond{{Arg: 1, Mask: ownerBit, In: []uint32{ownerBit}}}}}
	groupInArg2 = []Rule{{Conds: []Cond{{Arg: 2, Mask: ownerBit, In: []uint32{ownerBit}}}}}

	ownerInArg1 = []Refusal{{Errno: Nothing, Unless: capChown, Conds: []Cond{{Arg: 1, Mask: ownerBit, In: []uint32{0}}}}}
	ownerInArg2 = []Refusal{{Errno: Nothing, Unless: capChown, Conds: []Cond{{Arg: 2, Mask: ownerBit, In: []uint32{0}}}}}
)

// setgroups(2) without CAP_SETGID changes nothing, whatever the list
// (may_setgroups in kernel/groups.c), so that the process has the same groups
// after an answer of 0 as after the kernel's EPERM: those that the operator gave
// to the whole container. The programs that call it are on the way to another
// user (gosu, su-exec, setpriv, s6-setuidgid, initgroups(3)), and stop at the
// error. A size that is negative is left to the kernel, which refuses it; a rule
// has to be there.
var (
	noSuchGroups = []Rule{{Conds: []Cond{{Arg: 0, Mask: ownerBit, In: []uint32{ownerBit}}}}}
	groupsInVain = []Refusal{{Errno: Nothing, Unless: setGID, Conds: []Cond{{Arg: 0, Mask: ownerBit, In: []uint32{0}}}}}
)

var (
	modeInArg1 = modeRules(1)
	modeInArg2 = modeRules(2)

	modeInArg1Perm = modePerm(1)
	modeInArg2Perm = modePerm(2)
)

// modeRules allow modes without the set-user-ID bit; at level strict without
// the set-group-ID bit too.
func modeRules(arg uint8) []Rule {
	return []Rule{
		{Level: NotStrict, Conds: []Cond{{Arg: arg, Mask: setuid, In: []uint32{0}}}},
		{Level: AtStrict, Conds: []Cond{{Arg: arg, Mask: setids, In: []uint32{0}}}},
	}
}

func modePerm(arg uint8) []Refusal {
	return []Refusal{
		{Level: NotStrict, Errno: errnoPerm, Conds: []Cond{{Arg: arg, Mask: setuid, In: []uint32{setuid}}}},
		{Level: AtStrict, Errno: errnoPerm, Conds: []Cond{{Arg: arg, Mask: setids, NotIn: []uint32{0}}}},
	}
}

// open(2) and openat(2) take the mode into account only with O_CREAT (0x40) or
// __O_TMPFILE (0x400000), WILL_CREATE in include/linux/fcntl.h; without them
// the register may hold anything.
const willCreate = 0x400040

var (
	openRules   = append(modeRules(2), Rule{Conds: []Cond{{Arg: 1, Mask: willCreate, In: []uint32{0}}}})
	openatRules = append(modeRules(3), Rule{Conds: []Cond{{Arg: 2, Mask: willCreate, In: []uint32{0}}}})
)

// mknod(2): S_IFMT (0xf000) of a regular file (0 or 0x8000), a FIFO (0x1000) or
// a socket (0xc000), and no set-user-ID bit.
var (
	mknodRules   = nodeRules(1)
	mknodatRules = nodeRules(2)
)

func nodeRules(arg uint8) []Rule {
	files := []uint32{0, 0x1000, 0x8000, 0xc000}
	return []Rule{
		{Level: NotStrict, Conds: []Cond{{Arg: arg, Mask: 0xf000 | setuid, In: files}}},
		{Level: AtStrict, Conds: []Cond{{Arg: arg, Mask: 0xf000 | setids, In: files}}},
		{Level: NotStrict, Caps: capMknod, Conds: []Cond{{Arg: arg, Mask: setuid, In: []uint32{0}}}},
		{Level: AtStrict, Caps: capMknod, Conds: []Cond{{Arg: arg, Mask: setids, In: []uint32{0}}}},
	}
}

// personality(2): PER_LINUX, PER_LINUX with UNAME26, and the query.
var personalityRules = []Rule{{Conds: []Cond{{Arg: 0, Mask: all, In: []uint32{0, 0x20000, 0xffffffff}}}}}

// prctl(2): numbers of include/uapi/linux/prctl.h. Some that neither amd64 nor
// arm64 implements are in the list (0, 5, 6, 9 to 12, 19, 20, 43 to 46): the
// kernel answers EINVAL, and without holes in the list there are fewer rules.
var prctlRules = []Rule{{Conds: []Cond{{Arg: 0, Mask: all, In: []uint32{
	0, 1, 2, 3, 4, // PDEATHSIG, DUMPABLE
	5, 6, 7, 8, // KEEPCAPS
	9, 10, 11, 12, 13, 14, // TIMING
	15, 16, // NAME
	19, 20, 21, 22, // SECCOMP
	23, 24, // CAPBSET_READ, CAPBSET_DROP
	25, 26, // TSC
	27, 28, // SECUREBITS
	29, 30, // TIMERSLACK
	36, 37, // CHILD_SUBREAPER
	38, 39, // NO_NEW_PRIVS
	40,     // GET_TID_ADDRESS
	41, 42, // THP_DISABLE
	43, 44, 45, 46, 47, // CAP_AMBIENT
	50, 51, // SVE vector length (arm64)
	52, 53, // SPECULATION_CTRL
	54, 55, 56, // PAC keys, TAGGED_ADDR (arm64)
	60, 61, // PAC_ENABLED_KEYS (arm64)
	63, 64, // SME vector length (arm64)
	65, 66, // MDWE
	67, 68, // MEMORY_MERGE
	74, 75, 76, // SHADOW_STACK
	0x41555856, // GET_AUXV
	0x53564d41, // SET_VMA
	0x59616d61, // SET_PTRACER
}}}}}

// futex(2): all operations but FUTEX_WAIT_REQUEUE_PI (11) and
// FUTEX_CMP_REQUEUE_PI (12). FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME
// (0x180) are not part of the operation (FUTEX_CMD_MASK in linux/futex.h).
var futexRules = []Rule{{Conds: []Cond{{Arg: 1, Mask: 0xfffffe7f, In: []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13}}}}}

// madvise(2): advice 0 to 24, and the guard pages 102 and 103; not
// MADV_COLLAPSE (25), MADV_HWPOISON (100) and MADV_SOFT_OFFLINE (101).
var madviseRules = []Rule{{Conds: []Cond{{Arg: 2, Mask: all, In: []uint32{
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 102, 103,
}}}}}

// MSG_OOB is bit 0 of the flags of send(2) and recv(2).
var (
	oobInArg2 = []Rule{{Conds: []Cond{{Arg: 2, Mask: 1, In: []uint32{0}}}}}
	oobInArg3 = []Rule{{Conds: []Cond{{Arg: 3, Mask: 1, In: []uint32{0}}}}}
)

// socketRefuse answers socket(AF_NETLINK, …, NETLINK_AUDIT) as a kernel
// without auditing does: libaudit's callers (PAM, shadow) go on after
// EPROTONOSUPPORT and give up after ENOSYS.
var socketRefuse = []Refusal{{Errno: 93, Unless: netAdmin | auditWrite | auditControl | auditRead, Conds: []Cond{{Arg: 0, Mask: all, In: []uint32{16}}, {Arg: 2, Mask: all, In: []uint32{9}}}}}

// Level strict: memory that is written to is not run. PROT_WRITE is 2 and
// PROT_EXEC 4 (mmap(2)), SHM_EXEC 0100000 (shmat(2)). EACCES is what a kernel
// with such a policy answers (mprotect(2); SELinux's execmem).
var (
	writeXorExec = []Rule{{Conds: []Cond{{Arg: 2, Mask: 6, NotIn: []uint32{6}}}}}
	neverExec    = []Rule{{Conds: []Cond{{Arg: 2, Mask: 4, In: []uint32{0}}}}}
	shmNoExec    = []Rule{{Conds: []Cond{{Arg: 2, Mask: 0x8000, In: []uint32{0}}}}}

	writeXorExecAcces = []Refusal{{Errno: errnoAcces, Conds: []Cond{{Arg: 2, Mask: 6, In: []uint32{6}}}}}
	neverExecAcces    = []Refusal{{Errno: errnoAcces, Conds: []Cond{{Arg: 2, Mask: 4, In: []uint32{4}}}}}
	shmNoExecAcces    = []Refusal{{Errno: errnoAcces, Conds: []Cond{{Arg: 2, Mask: 0x8000, In: []uint32{0x8000}}}}}
)

// Level strict: timers on the clocks of include/uapi/linux/time.h but the CPU
// clocks 2 and 3 and those of other processes and threads, which are negative.
// ENOTSUP is timer_create(2)'s own answer for a clock without timers.
var (
	wallTimers      = []Rule{{Conds: []Cond{{Arg: 0, Mask: all, In: []uint32{0, 1, 4, 5, 6, 7, 8, 9, 10, 11}}}}}
	cpuTimersNotSup = []Refusal{
		{Errno: errnoNotsup, Conds: []Cond{{Arg: 0, Mask: 0x80000000, In: []uint32{0x80000000}}}},
		{Errno: errnoNotsup, Conds: []Cond{{Arg: 0, Mask: all, In: []uint32{2, 3}}}},
	}
)

const (
	errnoPerm   = 1
	errnoAcces  = 13
	errnoNotsup = 95
)
