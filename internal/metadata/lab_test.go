// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const (
	clientDev, peerDev = "c0", "s0"
	peer4, peer6       = "10.77.0.1", "fd77::1"
	client4, client6   = "10.77.0.2", "fd77::2"
	markerPort         = 7777
	labUID             = 2000000001
)

// lab is two namespaces with a cable between them. The peer has every endpoint's
// address, real listeners on them, and a sniffer on the cable.
type lab struct {
	t            *testing.T
	client, peer int
	index        int // of the client's device

	mu      sync.Mutex
	frames  [][]byte
	markers int

	quit    chan struct{} // closed at the end; the readers then close what they read
	readers sync.WaitGroup

	plain, raw *probing
}

func newLab(t *testing.T, beforeCable func(client int)) *lab {
	l := &lab{t: t, client: newNetns(t), peer: newNetns(t), quit: make(chan struct{})}
	t.Cleanup(func() {
		close(l.quit)
		l.readers.Wait()
	})
	if beforeCable != nil {
		beforeCable(l.client)
	}
	l.cable()
	l.listen()
	l.sniff()
	l.plain = l.startProber()
	// Source routes: Linux 6.18.44 wants CAP_NET_RAW for them, older ones do not
	// (net/ipv4/ip_options.c). What they may do is tried here with it.
	l.raw = l.startProber(unix.CAP_NET_RAW)
	// IPv6 needs a moment after a device has come up.
	for n := 0; ; n++ {
		ok := true
		for _, addr := range []string{peer6, "fd00:ec2::253", peer4} {
			ok = ok && l.try(attempt{Proto: "tcp", Addr: addr, Port: 80}).Reached
		}
		if ok {
			break
		}
		if n == 20 {
			t.Fatal("the cable does not work")
		}
	}
	l.arrived(peer4)
	return l
}

// probing is a prober's input and output.
type probing struct {
	in  io.Writer
	out *bufio.Scanner
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (l *lab) cable() {
	t := l.t
	t.Helper()
	pc, err := netlink.NewHandleAt(netns.NsHandle(l.client))
	must(t, err)
	defer pc.Close()
	pp, err := netlink.NewHandleAt(netns.NsHandle(l.peer))
	must(t, err)
	defer pp.Close()
	must(t, pc.LinkAdd(&netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: clientDev},
		PeerName:      peerDev,
		PeerNamespace: netlink.NsFd(l.peer),
	}))
	up := func(h *netlink.Handle, name string, addrs ...string) netlink.Link {
		dev, err := h.LinkByName(name)
		must(t, err)
		for _, s := range addrs {
			addr, err := netlink.ParseAddr(s)
			must(t, err)
			addr.Flags = unix.IFA_F_NODAD
			must(t, h.AddrAdd(dev, addr))
		}
		must(t, h.LinkSetUp(dev))
		lo, err := h.LinkByName("lo")
		must(t, err)
		must(t, h.LinkSetUp(lo))
		return dev
	}
	sysctl := func(ns int, values ...string) {
		inNetns(t, ns, func() error {
			for i := 0; i < len(values); i += 2 {
				if err := os.WriteFile("/proc/sys/net/"+values[i], []byte(values[i+1]), 0); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for _, x := range []struct {
		ns  int
		dev string
	}{{l.client, clientDev}, {l.peer, peerDev}} {
		sysctl(x.ns, "ipv6/conf/"+x.dev+"/accept_dad", "0", "ipv4/conf/"+x.dev+"/rp_filter", "0", "ipv4/conf/all/rp_filter", "0",
			"mptcp/enabled", "1")
	}
	sysctl(l.client, "ipv4/ping_group_range", "0 2147483647", "ipv4/tcp_fastopen", "5")
	// The peer takes part in everything: source routes, segment routing, data in
	// a SYN without a cookie.
	sysctl(l.peer, "ipv4/conf/all/accept_source_route", "1", "ipv4/conf/"+peerDev+"/accept_source_route", "1",
		"ipv6/conf/all/seg6_enabled", "1", "ipv6/conf/"+peerDev+"/seg6_enabled", "1", "ipv4/tcp_fastopen", "1539")

	dev := up(pc, clientDev, client4+"/24", client6+"/64")
	l.index = dev.Attrs().Index
	addrs := []string{peer4 + "/24", peer6 + "/64"}
	for _, e := range l.addresses() {
		addrs = append(addrs, prefixed(e))
	}
	up(pp, peerDev, addrs...)
	for _, gw := range []string{peer4, peer6} {
		must(t, pc.RouteAdd(&netlink.Route{LinkIndex: l.index, Gw: net.ParseIP(gw)}))
	}
}

func prefixed(addr string) string {
	a := netip.MustParseAddr(addr)
	if a.IsLinkLocalUnicast() && a.Is6() {
		return addr + "/64"
	}
	return addr + "/" + strconv.Itoa(a.BitLen())
}

// addresses is every address of the peer apart from its own.
func (l *lab) addresses() []string {
	var out []string
	for _, e := range Endpoints {
		out = append(out, e.Addr)
	}
	for _, e := range NeverBlocked {
		out = append(out, e.Addr)
	}
	return out
}

// listen answers on TCP and UDP (and UDP-Lite where the kernel has it).
func (l *lab) listen() {
	t := l.t
	echo := func(c net.Conn) {
		defer c.Close()
		_, _ = io.Copy(c, c)
	}
	inNetns(t, l.peer, func() error {
		for _, port := range []string{"53", "80", "8080", "32526"} {
			ln, err := net.Listen("tcp", "[::]:"+port)
			if err != nil {
				return err
			}
			t.Cleanup(func() { ln.Close() })
			go func() {
				for {
					c, err := ln.Accept()
					if err != nil {
						return
					}
					go echo(c)
				}
			}()
		}
		for _, addr := range append(l.addresses(), peer4, peer6) {
			a := netip.MustParseAddr(addr)
			for _, port := range []int{53, 80} {
				family := unix.AF_INET
				var sa unix.Sockaddr
				if a.Is4() {
					sa = &unix.SockaddrInet4{Port: port, Addr: a.As4()}
				} else {
					family = unix.AF_INET6
					six := &unix.SockaddrInet6{Port: port, Addr: a.As16()}
					if a.IsLinkLocalUnicast() {
						dev, err := net.InterfaceByName(peerDev)
						if err != nil {
							return err
						}
						six.ZoneId = uint32(dev.Index)
					}
					sa = six
				}
				for _, proto := range []int{unix.IPPROTO_UDP, unix.IPPROTO_UDPLITE} {
					fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, proto)
					if err == unix.EPROTONOSUPPORT && proto == unix.IPPROTO_UDPLITE {
						continue
					}
					if err != nil {
						return err
					}
					if err := unix.Bind(fd, sa); err != nil {
						return fmt.Errorf("bind %s: %w", addr, err)
					}
					l.datagrams(fd)
				}
			}
		}
		return nil
	})
}

func (l *lab) datagrams(fd int) {
	l.reader(fd, func(b []byte, from unix.Sockaddr) { _ = unix.Sendto(fd, b, 0, from) })
}

// reader hands what fd receives to f, until the test ends.
func (l *lab) reader(fd int, f func(b []byte, from unix.Sockaddr)) {
	tv := unix.Timeval{Usec: 100000}
	must(l.t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv))
	l.readers.Add(1)
	go func() {
		defer l.readers.Done()
		defer unix.Close(fd)
		buf := make([]byte, 1<<16)
		for {
			select {
			case <-l.quit:
				return
			default:
			}
			if n, from, err := unix.Recvfrom(fd, buf, 0); err == nil {
				f(buf[:n], from)
			}
		}
	}()
}

// sniff records what arrives at the peer's end of the cable.
func (l *lab) sniff() {
	t := l.t
	var fd int
	inNetns(t, l.peer, func() error {
		dev, err := net.InterfaceByName(peerDev)
		if err != nil {
			return err
		}
		all := uint16(unix.ETH_P_ALL)<<8 | uint16(unix.ETH_P_ALL)>>8
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(all)); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: dev.Index})
	})
	l.reader(fd, func(b []byte, from unix.Sockaddr) {
		if sa, ok := from.(*unix.SockaddrLinklayer); ok && sa.Pkttype != unix.PACKET_OUTGOING {
			l.frame(bytes.Clone(b))
		}
	})
}

func (l *lab) frame(f []byte) {
	if len(f) < 14+20 {
		return
	}
	var rest []byte
	switch uint16(f[12])<<8 | uint16(f[13]) {
	case unix.ETH_P_IP:
		rest = f[14+16:]
	case unix.ETH_P_IPV6:
		if len(f) < 14+41 {
			return
		}
		// Neighbour discovery names its target; it is no packet to it.
		if f[14+6] == unix.IPPROTO_ICMPV6 && (f[14+40] == 135 || f[14+40] == 136) {
			return
		}
		rest = f[14+24:]
	default:
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if bytes.Contains(f, []byte("marker")) {
		l.markers++
		return
	}
	l.frames = append(l.frames, rest)
}

// arrived counts the packets that have the address as their destination, in
// their header or hidden behind it, and forgets them.
func (l *lab) arrived(addr string) int {
	l.t.Helper()
	return l.arrivedBut(addr, 0)
}

// arrivedBut does not count IPv4 packets without options to the given port: the
// last acknowledgement of an allowed connection may come late.
func (l *lab) arrivedBut(addr string, port uint16) int {
	l.t.Helper()
	l.mu.Lock()
	want := l.markers + 1
	l.mu.Unlock()
	inNetns(l.t, l.client, func() error {
		c, err := net.Dial("udp4", peer4+":"+strconv.Itoa(markerPort))
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("marker"))
		return err
	})
	for range 400 {
		l.mu.Lock()
		ready := l.markers >= want
		l.mu.Unlock()
		if ready {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.markers < want {
		l.t.Fatal("the sniffer does not see the cable")
	}
	raw := netip.MustParseAddr(addr).AsSlice()
	n := 0
	for _, f := range l.frames {
		allowed := port != 0 && len(raw) == 4 && bytes.HasPrefix(f, raw) && len(f) >= 8 &&
			uint16(f[6])<<8|uint16(f[7]) == port
		if bytes.Contains(f, raw) && !allowed {
			n++
		}
	}
	l.frames = nil
	return n
}

// startProber starts a process in the client's namespace without any privilege
// but the given capabilities.
func (l *lab) startProber(caps ...uintptr) *probing {
	t := l.t
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	// The runtime's signals would interrupt a read with a timeout.
	cmd.Env = append(os.Environ(), roleEnv+"=prober", "GODEBUG=asyncpreemptoff=1")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: labUID, Gid: labUID}, AmbientCaps: caps}
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	inNetns(t, l.client, cmd.Start)
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("prober: %v", err)
		}
	})
	status, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/status")
	must(t, err)
	for _, line := range strings.Split(string(status), "\n") {
		if len(caps) == 0 && strings.HasPrefix(line, "CapEff:") && strings.Trim(strings.TrimPrefix(line, "CapEff:"), "\t 0") != "" {
			t.Fatalf("the prober has capabilities: %s", line)
		}
		if strings.HasPrefix(line, "Uid:") && !strings.Contains(line, strconv.Itoa(labUID)) {
			t.Fatalf("the prober has another user: %s", line)
		}
	}
	return &probing{in, bufio.NewScanner(out)}
}

func (l *lab) try(a attempt) outcome {
	l.t.Helper()
	if a.Index == 0 {
		a.Index = l.index
	}
	b, err := json.Marshal(a)
	must(l.t, err)
	p := l.plain
	if a.Options != nil {
		p = l.raw
	}
	_, err = p.in.Write(append(b, '\n'))
	must(l.t, err)
	if !p.out.Scan() {
		l.t.Fatal("the prober has ended")
	}
	var o outcome
	must(l.t, json.Unmarshal(p.out.Bytes(), &o))
	return o
}
