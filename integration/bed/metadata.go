// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"bufio"
	"fmt"
	"net"
	"sync"
)

// MetadataAnswer and DNSAnswer are what the listeners of [Metadata] say.
const (
	MetadataAnswer = "metadata reached"
	DNSAnswer      = "dns reached"
)

// metadataAddresses are those that the bed owns: IMDS as AWS, GCP and Azure
// have it, and AWS's over IPv6.
var metadataAddresses = []string{"169.254.169.254", "fd00:ec2::254"}

var metadataOnce sync.Once

// Metadata has the bed's network namespace own the metadata addresses and
// answer on them, TCP and UDP: on port 80 as the metadata service, on port 53
// as the DNS server that Google Cloud has on the same address. They answer
// until the bed ends.
func Metadata(t T) {
	t.Helper()
	metadataOnce.Do(func() {
		// On lo: a kernel need not have dummy devices, and an address of any
		// interface answers to whom the bed routes.
		for _, a := range metadataAddresses {
			MustRun(t, "ip", "addr", "add", a, "dev", "lo", "nodad")
		}
		for _, s := range []string{"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"} {
			if err := sysctl(s, "1"); err != nil {
				t.Fatalf("bed: %v", err)
			}
		}
		// Without it a server refuses data in the SYN, and a block of TCP
		// Fast Open would not be tested (ip-sysctl: 1 client, 2 server).
		if err := sysctl("net/ipv4/tcp_fastopen", "3"); err != nil {
			t.Fatalf("bed: %v", err)
		}
		for _, a := range metadataAddresses {
			for port, answer := range map[string]string{"80": MetadataAnswer, "53": DNSAnswer} {
				if err := answerOn(net.JoinHostPort(a, port), answer); err != nil {
					t.Fatalf("bed: metadata listener: %v", err)
				}
			}
		}
	})
}

// answerOn answers whoever speaks to the address, over TCP and UDP.
func answerOn(addr, answer string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				// An HTTP client such as wget wants its request read.
				if line, _ := bufio.NewReader(c).ReadString('\n'); line != "" {
					fmt.Fprintf(c, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
				}
			}()
		}
	}()
	p, err := net.ListenPacket("udp", addr)
	if err != nil {
		return err
	}
	go func() {
		buf := make([]byte, 512)
		for {
			_, from, err := p.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = p.WriteTo([]byte(answer), from)
		}
	}()
	return nil
}
