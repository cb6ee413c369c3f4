// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkBlockCold makes the block in a new namespace with lo up, as an engine
// hands it over.
func BenchmarkBlockCold(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		ns := newNetns(b)
		fd, err := socketIn(ns)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := raiseLoopback(fd); err != nil {
			b.Fatal(err)
		}
		unix.Close(fd)
		b.StartTimer()
		if changed, err := Block(ns, Options{}); err != nil || !changed {
			b.Fatal(changed, err)
		}
	}
}

// BenchmarkBlockColdLoopbackDown includes bringing lo up.
func BenchmarkBlockColdLoopbackDown(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		ns := newNetns(b)
		b.StartTimer()
		if changed, err := Block(ns, Options{}); err != nil || !changed {
			b.Fatal(changed, err)
		}
	}
}

// BenchmarkBlockStanding finds the block in place.
func BenchmarkBlockStanding(b *testing.B) {
	ns := newNetns(b)
	if _, err := Block(ns, Options{}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if changed, err := Block(ns, Options{}); err != nil || changed {
			b.Fatal(changed, err)
		}
	}
}

// BenchmarkBlockReplace puts a block that blocks more in the place of one that
// stands.
func BenchmarkBlockReplace(b *testing.B) {
	ns := newNetns(b)
	for b.Loop() {
		b.StopTimer()
		must(b, Unblock(ns))
		_, err := Block(ns, Options{})
		must(b, err)
		b.StartTimer()
		if changed, err := Block(ns, Options{Credentials: true}); err != nil || !changed {
			b.Fatal(changed, err)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		build(Options{})
	}
}

// BenchmarkSendUnrelated sends small datagrams over lo to an address that is not
// listed, with and without the block: what the rules cost everybody else.
func BenchmarkSendUnrelated(b *testing.B) {
	for _, block := range []bool{false, true} {
		for _, dst := range []unix.Sockaddr{
			&unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}},
			&unix.SockaddrInet6{Addr: [16]byte{15: 1}},
		} {
			name, family := "ipv4", unix.AF_INET
			if _, ok := dst.(*unix.SockaddrInet6); ok {
				name, family = "ipv6", unix.AF_INET6
			}
			if block {
				name += " blocked"
			}
			b.Run(name, func(b *testing.B) {
				ns := newNetns(b)
				if _, err := Block(ns, Options{}); err != nil { // brings lo up
					b.Fatal(err)
				}
				if !block {
					must(b, Unblock(ns))
				}
				var from, to int
				inNetns(b, ns, func() (err error) {
					if to, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
						return err
					}
					if err := unix.Bind(to, dst); err != nil {
						return err
					}
					from, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
					return err
				})
				defer unix.Close(from)
				defer unix.Close(to)
				at, err := unix.Getsockname(to)
				must(b, err)
				must(b, unix.Connect(from, at))
				payload, buf := make([]byte, 16), make([]byte, 16)
				for b.Loop() {
					if _, err := unix.Write(from, payload); err != nil {
						b.Fatal(err)
					}
					if _, err := unix.Read(to, buf); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
