// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// constant reads an argument: a number (0x and leading 0 as in C; negative ones
// as the kernel sees them) or names of constants joined by |.
func constant(text string) (uint64, error) {
	var v uint64
	for word := range strings.SplitSeq(text, "|") {
		if n, err := strconv.ParseUint(word, 0, 64); err == nil {
			v |= n
		} else if n, err := strconv.ParseInt(word, 0, 64); err == nil {
			v |= uint64(n)
		} else if n, ok := constants[word]; ok {
			v |= n
		} else {
			return 0, fmt.Errorf("%q is neither a number nor a constant that is known here", word)
		}
	}
	return v, nil
}

// constants are those that the rules are about.
var constants = map[string]uint64{
	"AF_UNIX": unix.AF_UNIX, "AF_INET": unix.AF_INET, "AF_INET6": unix.AF_INET6, "AF_NETLINK": unix.AF_NETLINK,
	"AF_PACKET": unix.AF_PACKET, "AF_ALG": unix.AF_ALG, "AF_VSOCK": unix.AF_VSOCK, "AF_TIPC": unix.AF_TIPC,
	"AF_RXRPC": unix.AF_RXRPC, "AF_RDS": unix.AF_RDS, "AF_CAN": unix.AF_CAN, "AF_BLUETOOTH": unix.AF_BLUETOOTH,
	"AF_XDP": unix.AF_XDP, "AF_SMC": unix.AF_SMC, "AF_KCM": unix.AF_KCM,
	"SOCK_STREAM": unix.SOCK_STREAM, "SOCK_DGRAM": unix.SOCK_DGRAM, "SOCK_RAW": unix.SOCK_RAW, "SOCK_SEQPACKET": unix.SOCK_SEQPACKET,
	"SOCK_DCCP": unix.SOCK_DCCP, "SOCK_PACKET": unix.SOCK_PACKET, "SOCK_CLOEXEC": unix.SOCK_CLOEXEC, "SOCK_NONBLOCK": unix.SOCK_NONBLOCK,
	"IPPROTO_IP": unix.IPPROTO_IP, "IPPROTO_TCP": unix.IPPROTO_TCP, "IPPROTO_UDP": unix.IPPROTO_UDP, "IPPROTO_ICMP": unix.IPPROTO_ICMP,
	"IPPROTO_ICMPV6": unix.IPPROTO_ICMPV6, "IPPROTO_SCTP": unix.IPPROTO_SCTP, "IPPROTO_MPTCP": unix.IPPROTO_MPTCP, "IPPROTO_RAW": unix.IPPROTO_RAW,
	"NETLINK_ROUTE": unix.NETLINK_ROUTE, "NETLINK_NETFILTER": unix.NETLINK_NETFILTER, "NETLINK_AUDIT": unix.NETLINK_AUDIT,
	"NETLINK_SOCK_DIAG": unix.NETLINK_SOCK_DIAG, "NETLINK_XFRM": unix.NETLINK_XFRM, "NETLINK_KOBJECT_UEVENT": unix.NETLINK_KOBJECT_UEVENT,
	"CLONE_VM": unix.CLONE_VM, "CLONE_THREAD": unix.CLONE_THREAD, "CLONE_VFORK": unix.CLONE_VFORK, "CLONE_NEWNS": unix.CLONE_NEWNS,
	"CLONE_NEWUSER": unix.CLONE_NEWUSER, "CLONE_NEWNET": unix.CLONE_NEWNET, "CLONE_NEWPID": unix.CLONE_NEWPID, "CLONE_NEWIPC": unix.CLONE_NEWIPC,
	"CLONE_NEWUTS": unix.CLONE_NEWUTS, "CLONE_NEWCGROUP": unix.CLONE_NEWCGROUP, "SIGCHLD": uint64(unix.SIGCHLD),
	"PROT_NONE": unix.PROT_NONE, "PROT_READ": unix.PROT_READ, "PROT_WRITE": unix.PROT_WRITE, "PROT_EXEC": unix.PROT_EXEC, "SHM_EXEC": 0o100000,
	"O_RDONLY": unix.O_RDONLY, "O_WRONLY": unix.O_WRONLY, "O_RDWR": unix.O_RDWR, "O_CREAT": unix.O_CREAT, "O_TMPFILE": unix.O_TMPFILE,
	"O_TRUNC": unix.O_TRUNC, "O_CLOEXEC": unix.O_CLOEXEC, "AT_FDCWD": 0xffffff9c,
	"S_ISUID": unix.S_ISUID, "S_ISGID": unix.S_ISGID, "S_IFREG": unix.S_IFREG, "S_IFIFO": unix.S_IFIFO, "S_IFSOCK": unix.S_IFSOCK,
	"S_IFCHR": unix.S_IFCHR, "S_IFBLK": unix.S_IFBLK,
	"SOL_SOCKET": unix.SOL_SOCKET, "SOL_TCP": unix.SOL_TCP, "SOL_IP": unix.SOL_IP, "SOL_IPV6": unix.SOL_IPV6,
	"TCP_ULP": unix.TCP_ULP, "TCP_NODELAY": unix.TCP_NODELAY, "SO_REUSEADDR": unix.SO_REUSEADDR, "SO_REUSEPORT": unix.SO_REUSEPORT,
	"SO_ATTACH_FILTER": unix.SO_ATTACH_FILTER, "SO_ATTACH_BPF": unix.SO_ATTACH_BPF,
	"SO_ATTACH_REUSEPORT_CBPF": unix.SO_ATTACH_REUSEPORT_CBPF, "SO_ATTACH_REUSEPORT_EBPF": unix.SO_ATTACH_REUSEPORT_EBPF,
	"TCGETS": unix.TCGETS, "TIOCSTI": unix.TIOCSTI, "TIOCLINUX": 0x541c, "TIOCCONS": unix.TIOCCONS, "TIOCSETD": unix.TIOCSETD,
	"TIOCGWINSZ": unix.TIOCGWINSZ, "FIONREAD": unix.TIOCINQ, "FIONBIO": 0x5421, "FICLONE": unix.FICLONE, "FS_IOC_GETFLAGS": unix.FS_IOC_GETFLAGS,
	"FUTEX_WAIT": 0, "FUTEX_WAKE": 1, "FUTEX_LOCK_PI": 6, "FUTEX_WAIT_REQUEUE_PI": 11, "FUTEX_CMP_REQUEUE_PI": 12, "FUTEX_PRIVATE_FLAG": 128,
	"MADV_DONTNEED": unix.MADV_DONTNEED, "MADV_FREE": unix.MADV_FREE, "MADV_COLLAPSE": unix.MADV_COLLAPSE,
	"MADV_HWPOISON": unix.MADV_HWPOISON, "MADV_SOFT_OFFLINE": 101,
	"MSG_OOB": unix.MSG_OOB, "MSG_NOSIGNAL": unix.MSG_NOSIGNAL, "MSG_DONTWAIT": unix.MSG_DONTWAIT, "MSG_PEEK": unix.MSG_PEEK,
	"PR_SET_NAME": unix.PR_SET_NAME, "PR_SET_MM": unix.PR_SET_MM, "PR_SET_DUMPABLE": unix.PR_SET_DUMPABLE,
	"PR_SET_NO_NEW_PRIVS": unix.PR_SET_NO_NEW_PRIVS, "PR_SET_SECCOMP": unix.PR_SET_SECCOMP,
	"ADDR_NO_RANDOMIZE": 0x40000, "READ_IMPLIES_EXEC": 0x400000,
	"CLOCK_REALTIME": 0, "CLOCK_MONOTONIC": 1, "CLOCK_PROCESS_CPUTIME_ID": 2, "CLOCK_THREAD_CPUTIME_ID": 3,
}
