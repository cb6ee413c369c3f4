// SPDX-License-Identifier: Apache-2.0

// Command probe makes system calls from inside a container and prints what each
// returned, one line for each: name and errno (0 for success). It is built and
// run by TestLive.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// high are bits that the kernel does not look at in an int argument.
const high = uintptr(0xdeadbeef) << 32

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "copy":
			copyBetweenSockets()
		case "time":
			timeCalls()
		}
		return // otherwise timed by BenchmarkLoad
	}
	dir := "/tmp"
	file := dir + "/probe"
	fd, err := unix.Open(file, unix.O_CREAT|unix.O_RDWR, 0o644)
	if err != nil {
		fmt.Println("setup:", err)
		os.Exit(1)
	}
	path := uintptr(unsafe.Pointer(&append([]byte(file), 0)[0]))
	sock := func(family, typ, proto uintptr) unix.Errno {
		s, _, e := unix.RawSyscall(unix.SYS_SOCKET, family, typ, proto)
		if e == 0 {
			unix.Close(int(s))
		}
		return e
	}
	call := func(nr uintptr, a ...uintptr) unix.Errno {
		var v [6]uintptr
		copy(v[:], a)
		_, _, e := unix.RawSyscall6(nr, v[0], v[1], v[2], v[3], v[4], v[5])
		return e
	}
	tcp, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		fmt.Println("setup:", err)
		os.Exit(1)
	}
	ulp := [4]byte{'t', 'l', 's', 0}
	one := uint32(1)
	optULP, optOne := uintptr(unsafe.Pointer(&ulp)), uintptr(unsafe.Pointer(&one))
	for _, c := range []struct {
		name  string
		errno unix.Errno
	}{
		{"socket-unix", sock(unix.AF_UNIX, unix.SOCK_STREAM, 0)},
		{"socket-tcp", sock(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)},
		{"socket-tcp-high", sock(unix.AF_INET|high, unix.SOCK_STREAM|high, high)},
		{"socket-udp6", sock(unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_UDP)},
		{"socket-route", sock(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)},
		{"socket-vsock", sock(unix.AF_VSOCK, unix.SOCK_STREAM, 0)},
		{"socket-vsock-high", sock(unix.AF_VSOCK|0x1_00000000, unix.SOCK_STREAM, 0)},
		{"socket-alg", sock(unix.AF_ALG, unix.SOCK_SEQPACKET, 0)},
		{"socket-alg-high", sock(unix.AF_ALG|high, unix.SOCK_SEQPACKET, 0)},
		{"socket-packet", sock(unix.AF_INET, unix.SOCK_PACKET, 0)},
		{"socket-audit", sock(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT)},
		{"socket-netfilter", sock(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER)},
		{"nodelay", call(unix.SYS_SETSOCKOPT, uintptr(tcp), unix.SOL_TCP, unix.TCP_NODELAY, optOne, 4)},
		{"reuseaddr", call(unix.SYS_SETSOCKOPT, uintptr(tcp), unix.SOL_SOCKET, unix.SO_REUSEADDR, optOne, 4)},
		{"tcp-ulp", call(unix.SYS_SETSOCKOPT, uintptr(tcp), unix.SOL_TCP, unix.TCP_ULP, optULP, 4)},
		{"tcp-ulp-high", call(unix.SYS_SETSOCKOPT, uintptr(tcp), unix.SOL_TCP|high, unix.TCP_ULP|high, optULP, 4)},
		{"attach-bpf", call(unix.SYS_SETSOCKOPT, uintptr(tcp), unix.SOL_SOCKET, unix.SO_ATTACH_BPF, optOne, 4)},
		{"unshare-user", call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER)},
		{"clone-user", call(unix.SYS_CLONE, unix.CLONE_NEWUSER|uintptr(unix.SIGCHLD))},
		{"clone-user-high", call(unix.SYS_CLONE, unix.CLONE_NEWUSER|uintptr(unix.SIGCHLD)|high)},
		{"clone3", call(unix.SYS_CLONE3, 0, 0)},
		{"setns", call(unix.SYS_SETNS, uintptr(fd), 0)},
		{"keyctl", call(unix.SYS_KEYCTL, 0, 0)},
		{"add_key", call(unix.SYS_ADD_KEY)},
		{"io_uring_setup", call(unix.SYS_IO_URING_SETUP, 1, optULP)},
		{"io_setup", call(unix.SYS_IO_SETUP, 1, optULP)},
		{"splice", call(unix.SYS_SPLICE, uintptr(fd), 0, uintptr(fd), 0, 1, 0)},
		{"bpf", call(unix.SYS_BPF)},
		{"perf_event_open", call(unix.SYS_PERF_EVENT_OPEN)},
		{"userfaultfd", call(unix.SYS_USERFAULTFD)},
		{"ptrace", call(unix.SYS_PTRACE, unix.PTRACE_TRACEME)},
		{"mount", call(unix.SYS_MOUNT)},
		{"open_by_handle_at", call(unix.SYS_OPEN_BY_HANDLE_AT)},
		{"openat2", call(unix.SYS_OPENAT2)},
		{"mq_open", call(unix.SYS_MQ_OPEN)},
		{"msgget", call(unix.SYS_MSGGET)},
		{"fchmod-0755", call(unix.SYS_FCHMOD, uintptr(fd), 0o755)},
		{"fchmod-04755", call(unix.SYS_FCHMOD, uintptr(fd), 0o4755)},
		{"fchmodat-04755-high", call(unix.SYS_FCHMODAT, high|0xffffff9c, path, 0o4755|high)},
		{"openat-creat-04755", call(unix.SYS_OPENAT, 0xffffff9c, path, unix.O_CREAT|unix.O_RDWR, 0o4755)},
		{"mknodat-chr", call(unix.SYS_MKNODAT, 0xffffff9c, path, unix.S_IFCHR|0o600, 0)},
		{"personality-query", call(unix.SYS_PERSONALITY, 0xffffffff)},
		{"personality-norandom", call(unix.SYS_PERSONALITY, 0x40000)},
		{"personality-norandom-high", call(unix.SYS_PERSONALITY, 0x40000|high)},
		{"prctl-name", call(unix.SYS_PRCTL, unix.PR_SET_NAME, optULP)},
		{"prctl-mm", call(unix.SYS_PRCTL, unix.PR_SET_MM)},
		{"futex-wake", call(unix.SYS_FUTEX, optOne, 1|128, 1)},
		{"futex-requeue-pi", call(unix.SYS_FUTEX, optOne, 12, 1, 1, optOne, 1)},
		{"madvise-collapse", call(unix.SYS_MADVISE, 0, 0, unix.MADV_COLLAPSE)},
		{"tiocsti", call(unix.SYS_IOCTL, 0, unix.TIOCSTI|high, optULP)},
		{"fionread", call(unix.SYS_IOCTL, uintptr(tcp), unix.TIOCINQ, optOne)},
		{"send-oob", call(unix.SYS_SENDTO, uintptr(tcp), optULP, 1, unix.MSG_OOB|unix.MSG_NOSIGNAL, 0, 0)},
		{"unknown-number", call(900)},
	} {
		fmt.Printf("%s %d\n", c.name, c.errno)
	}
}

// copyBetweenSockets passes bytes from one socket to another with io.Copy,
// which tries splice(2) first.
func copyBetweenSockets() {
	const size = 1 << 20
	in, source := pair()
	sink, out := pair()
	go func() {
		source.Write(make([]byte, size))
		source.Close()
	}()
	go func() {
		if _, err := io.Copy(sink, in); err != nil {
			fmt.Println("copy:", err)
		}
		sink.Close()
	}()
	n, err := io.Copy(io.Discard, out)
	if err != nil {
		fmt.Println("read:", err)
	}
	fmt.Println("copied", n)
}

// pair returns the two ends of a TCP connection over loopback.
func pair() (*net.TCPConn, *net.TCPConn) {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		fmt.Println("listen:", err)
		os.Exit(1)
	}
	defer l.Close()
	a, err := net.DialTCP("tcp4", nil, l.Addr().(*net.TCPAddr))
	if err != nil {
		fmt.Println("dial:", err)
		os.Exit(1)
	}
	b, err := l.AcceptTCP()
	if err != nil {
		fmt.Println("accept:", err)
		os.Exit(1)
	}
	return a, b
}

// timeCalls prints what calls cost, in nanoseconds: the best of some rounds, as
// what disturbs a round can only add to it.
func timeCalls() {
	const n, rounds = 5000, 30
	zero, err := unix.Open("/dev/zero", unix.O_RDONLY, 0)
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
	var b [1]byte
	var word uint32
	buf, futex := uintptr(unsafe.Pointer(&b)), uintptr(unsafe.Pointer(&word))
	path := uintptr(unsafe.Pointer(&append([]byte("/none"), 0)[0]))
	for _, c := range []struct {
		name string
		nr   uintptr
		a    [4]uintptr
	}{
		{"getpid", unix.SYS_GETPID, [4]uintptr{}},
		{"read", unix.SYS_READ, [4]uintptr{uintptr(zero), buf, 1}},
		{"futex", unix.SYS_FUTEX, [4]uintptr{futex, 129, 1}},
		{"openat", unix.SYS_OPENAT, [4]uintptr{0xffffff9c, path, unix.O_RDONLY}},
	} {
		best := time.Duration(1<<63 - 1)
		for range rounds {
			begin := time.Now()
			for range n {
				unix.RawSyscall6(c.nr, c.a[0], c.a[1], c.a[2], c.a[3], 0, 0)
			}
			best = min(best, time.Since(begin))
		}
		fmt.Printf("%s %d\n", c.name, best.Nanoseconds()/n)
	}
}
