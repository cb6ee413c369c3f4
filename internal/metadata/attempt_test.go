// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// attempt is one way of reaching an address from an unprivileged process.
type attempt struct {
	Proto      string // tcp, mptcp, udp, udplite, dccp, sctp, ping
	Addr       string
	Port       uint16
	V6Socket   bool   // send to ::ffff:Addr through an AF_INET6 socket
	Device     string // SO_BINDTODEVICE
	Connect    bool   // connect(2) first (datagrams)
	PktInfo    bool   // IP_PKTINFO or IPV6_PKTINFO with the device
	UnicastIf  bool   // IP_UNICAST_IF or IPV6_UNICAST_IF with the device
	Index      int    // of the device, also the scope of link-local addresses
	FastOpen   string // "sendto" (MSG_FASTOPEN) or "connect" (TCP_FASTOPEN_CONNECT)
	Options    []byte // IP_OPTIONS
	Route      string // first hop of a segment routing header
	Segment    bool   // UDP_SEGMENT
	DontRoute  bool   // SO_DONTROUTE
	WaitMillis int    // how long to wait for an answer, 300 if 0
}

// outcome is what came of it.
type outcome struct {
	Reached     bool
	Errno       string
	Step        string
	Micros      int64
	Unsupported bool // the kernel has no such protocol
}

func (a *attempt) try() outcome {
	begin := time.Now()
	step, errno := a.run()
	o := outcome{Reached: errno == 0, Step: step, Micros: time.Since(begin).Microseconds()}
	if errno != 0 {
		o.Errno = unix.ErrnoName(errno)
		o.Unsupported = step == "socket" && (errno == unix.EPROTONOSUPPORT || errno == unix.ESOCKTNOSUPPORT || errno == unix.EAFNOSUPPORT)
	}
	return o
}

func (a *attempt) run() (step string, errno unix.Errno) {
	addr := netip.MustParseAddr(a.Addr)
	v6 := addr.Is6() || a.V6Socket
	family, level := unix.AF_INET, unix.IPPROTO_IP
	if v6 {
		family, level = unix.AF_INET6, unix.IPPROTO_IPV6
	}
	typ, proto := unix.SOCK_STREAM, 0
	switch a.Proto {
	case "mptcp":
		proto = unix.IPPROTO_MPTCP
	case "udp":
		typ = unix.SOCK_DGRAM
	case "udplite":
		typ, proto = unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE
	case "dccp":
		typ, proto = unix.SOCK_DCCP, unix.IPPROTO_DCCP
	case "sctp":
		proto = unix.IPPROTO_SCTP
	case "ping":
		typ, proto = unix.SOCK_DGRAM, unix.IPPROTO_ICMP
		if v6 {
			proto = unix.IPPROTO_ICMPV6
		}
	}
	fail := func(step string, err error) (string, unix.Errno) {
		if e := unix.Errno(0); errors.As(err, &e) {
			return step, e
		}
		return step, unix.EIO
	}
	fd, err := unix.Socket(family, typ|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return fail("socket", err)
	}
	defer unix.Close(fd)
	wait := int64(300)
	if a.WaitMillis > 0 {
		wait = int64(a.WaitMillis)
	}
	tv := unix.NsecToTimeval(wait * int64(time.Millisecond))
	for _, o := range []int{unix.SO_SNDTIMEO, unix.SO_RCVTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, o, &tv); err != nil {
			return fail("timeout", err)
		}
	}
	if a.Device != "" {
		if err := unix.BindToDevice(fd, a.Device); err != nil {
			return fail("SO_BINDTODEVICE", err)
		}
	}
	if a.DontRoute {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DONTROUTE, 1); err != nil {
			return fail("SO_DONTROUTE", err)
		}
	}
	if a.UnicastIf {
		opt := unix.IP_UNICAST_IF
		if v6 {
			opt = unix.IPV6_UNICAST_IF
		}
		be := make([]byte, 4)
		binary.BigEndian.PutUint32(be, uint32(a.Index))
		if err := unix.SetsockoptString(fd, level, opt, string(be)); err != nil {
			return fail("UNICAST_IF", err)
		}
	}
	if a.Options != nil {
		if err := unix.SetsockoptString(fd, unix.IPPROTO_IP, unix.IP_OPTIONS, string(a.Options)); err != nil {
			return fail("IP_OPTIONS", err)
		}
	}
	if a.Route != "" {
		hop := netip.MustParseAddr(a.Route).As16()
		final := addr.As16()
		// struct ipv6_sr_hdr of linux/seg6.h: two segments, one left.
		h := append([]byte{0, 4, 4, 1, 1, 0, 0, 0}, final[:]...)
		h = append(h, hop[:]...)
		if err := unix.SetsockoptString(fd, unix.IPPROTO_IPV6, unix.IPV6_RTHDR, string(h)); err != nil {
			return fail("IPV6_RTHDR", err)
		}
	}
	if a.Segment {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 4); err != nil {
			return fail("UDP_SEGMENT", err)
		}
	}
	if a.FastOpen == "connect" {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_FASTOPEN_CONNECT, 1); err != nil {
			return fail("TCP_FASTOPEN_CONNECT", err)
		}
	}

	var sa unix.Sockaddr
	if v6 {
		six := &unix.SockaddrInet6{Port: int(a.Port), Addr: addr.As16()}
		if addr.IsLinkLocalUnicast() && addr.Is6() {
			six.ZoneId = uint32(a.Index)
		}
		sa = six
	} else {
		sa = &unix.SockaddrInet4{Port: int(a.Port), Addr: addr.As4()}
	}

	payload := []byte("ping")
	if a.Proto == "ping" {
		payload = []byte{8, 0, 0, 0, 0, 0, 0, 1, 'p', 'i', 'n', 'g'}
		if v6 {
			payload[0] = 128
		}
	}
	stream := a.Proto == "tcp" || a.Proto == "mptcp" || a.Proto == "sctp" || a.Proto == "dccp"
	switch {
	case a.FastOpen == "sendto":
		if err := unix.Sendto(fd, payload, unix.MSG_FASTOPEN, sa); err != nil {
			return fail("sendto MSG_FASTOPEN", err)
		}
	case stream || a.Connect:
		if err := unix.Connect(fd, sa); err != nil {
			return fail("connect", err)
		}
		if _, err := unix.Write(fd, payload); err != nil {
			return fail("write", err)
		}
	case a.PktInfo:
		oob := unix.PktInfo4(&unix.Inet4Pktinfo{Ifindex: int32(a.Index)})
		if v6 {
			oob = unix.PktInfo6(&unix.Inet6Pktinfo{Ifindex: uint32(a.Index)})
		}
		if err := unix.Sendmsg(fd, payload, oob, sa, 0); err != nil {
			return fail("sendmsg", err)
		}
	default:
		if err := unix.Sendto(fd, payload, 0, sa); err != nil {
			return fail("sendto", err)
		}
	}
	buf := make([]byte, 64)
	n, err := unix.Read(fd, buf)
	switch {
	case err != nil:
		return fail("read", err)
	case n == 0:
		return "read", unix.ENODATA
	}
	return "", 0
}

// connectOnly opens a TCP connection and leaves it open.
func connectOnly(addr string, port uint16) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	tv := unix.NsecToTimeval(int64(300 * time.Millisecond))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		return -1, err
	}
	return fd, unix.Connect(fd, &unix.SockaddrInet4{Port: int(port), Addr: netip.MustParseAddr(addr).As4()})
}

// readByte reads one byte in the test process, where signals interrupt.
func readByte(fd int) error {
	for {
		n, err := unix.Read(fd, make([]byte, 1))
		switch {
		case err == unix.EINTR:
		case err == nil && n == 0:
			return unix.ENODATA
		default:
			return err
		}
	}
}
