// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Reached is how one attempt ended.
type Reached struct {
	// Result is what the listener answered, or the name of the errno, or
	// "timeout".
	Result string
	// Millis is how long it took to know.
	Millis int64
}

// An Attempt is one way of speaking to an address.
type Attempt struct {
	Name string
	Addr string
	kind int // unix.SOCK_STREAM or SOCK_DGRAM
	// prepare sets socket options before the first packet.
	prepare func(fd int) error
	proto   int
	// mapped speaks to an IPv4 address through an IPv6 socket.
	mapped bool
	// pktinfo names the interface in ancillary data (IP_PKTINFO, ip(7)).
	pktinfo bool
	// fastOpen sends data with the SYN.
	fastOpen bool
}

// Attempts are the ways on the metadata endpoints that a block must close, and
// the two last, DNS on the same address, which it must leave open.
var Attempts = []Attempt{
	{Name: "tcp4", Addr: "169.254.169.254:80", kind: unix.SOCK_STREAM},
	{Name: "tcp6", Addr: "[fd00:ec2::254]:80", kind: unix.SOCK_STREAM},
	{Name: "tcp4-mapped", Addr: "169.254.169.254:80", kind: unix.SOCK_STREAM, mapped: true},
	{Name: "tcp4-device", Addr: "169.254.169.254:80", kind: unix.SOCK_STREAM, prepare: bindToDevice},
	{Name: "tcp4-fastopen", Addr: "169.254.169.254:80", kind: unix.SOCK_STREAM, fastOpen: true},
	{Name: "tcp4-mptcp", Addr: "169.254.169.254:80", kind: unix.SOCK_STREAM, proto: unix.IPPROTO_MPTCP},
	{Name: "udp4", Addr: "169.254.169.254:80", kind: unix.SOCK_DGRAM},
	{Name: "udp6", Addr: "[fd00:ec2::254]:80", kind: unix.SOCK_DGRAM},
	{Name: "udp4-mapped", Addr: "169.254.169.254:80", kind: unix.SOCK_DGRAM, mapped: true},
	{Name: "udp4-pktinfo", Addr: "169.254.169.254:80", kind: unix.SOCK_DGRAM, pktinfo: true},
	{Name: "dns-udp4", Addr: "169.254.169.254:53", kind: unix.SOCK_DGRAM},
	{Name: "dns-tcp4", Addr: "169.254.169.254:53", kind: unix.SOCK_STREAM},
}

// patience is how long an attempt may take; a block that answers does so in
// microseconds, one that drops makes the attempt run into this.
const patience = 3 * time.Second

// maxInterrupted is how often an attempt is made anew because of a signal.
const maxInterrupted = 10

var interrupted = errnoName(unix.EINTR)

func reach() map[string]Reached {
	out := map[string]Reached{}
	for _, a := range Attempts {
		start := time.Now()
		result := a.try()
		// Go sends its threads signals, after which the kernel does not restart what
		// waits on a socket with a timeout (signal(7)).
		for range maxInterrupted {
			if result != interrupted {
				break
			}
			start, result = time.Now(), a.try()
		}
		out[a.Name] = Reached{Result: result, Millis: time.Since(start).Milliseconds()}
	}
	return out
}

func (a Attempt) try() string {
	ap := netip.MustParseAddrPort(a.Addr)
	domain, sa := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()})
	if ap.Addr().Is4() && !a.mapped {
		domain, sa = unix.AF_INET, &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
	}
	fd, err := unix.Socket(domain, a.kind|unix.SOCK_CLOEXEC, a.proto)
	if err != nil {
		return errnoName(err)
	}
	defer unix.Close(fd)
	tv := unix.NsecToTimeval(int64(patience))
	for _, opt := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, opt, &tv); err != nil {
			return errnoName(err)
		}
	}
	if a.prepare != nil {
		if err := a.prepare(fd); err != nil {
			return errnoName(err)
		}
	}
	if err := a.send(fd, sa); err != nil {
		return timeoutOr(err)
	}
	buf := make([]byte, 512)
	n, _, err := unix.Recvfrom(fd, buf, 0)
	if err != nil {
		return timeoutOr(err)
	}
	return string(buf[:n])
}

// send connects where that is the way, and sends a few bytes.
func (a Attempt) send(fd int, sa unix.Sockaddr) error {
	hello := []byte("GET / HTTP/1.0\r\n\r\n")
	switch {
	case a.pktinfo:
		ifi, err := firstInterface()
		if err != nil {
			return err
		}
		oob := unix.PktInfo4(&unix.Inet4Pktinfo{Ifindex: int32(ifi)})
		return unix.Sendmsg(fd, hello, oob, sa, 0)
	case a.fastOpen:
		return unix.Sendto(fd, hello, unix.MSG_FASTOPEN|unix.MSG_NOSIGNAL, sa)
	}
	if err := unix.Connect(fd, sa); err != nil {
		return err
	}
	_, err := unix.Write(fd, hello)
	return err
}

// timeoutOr names the errors by which a socket with a timeout says that the
// time is over.
func timeoutOr(err error) string {
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINPROGRESS) || errors.Is(err, unix.ETIMEDOUT) {
		return "timeout"
	}
	return errnoName(err)
}

func bindToDevice(fd int) error {
	ifs, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range ifs {
		if i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagUp != 0 {
			return unix.BindToDevice(fd, i.Name)
		}
	}
	return os.ErrNotExist
}

func firstInterface() (int, error) {
	ifs, err := net.Interfaces()
	if err != nil {
		return 0, err
	}
	for _, i := range ifs {
		if i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagUp != 0 {
			return i.Index, nil
		}
	}
	return 0, os.ErrNotExist
}
