// SPDX-License-Identifier: Apache-2.0

package metadata

// Endpoint is one address at which a cloud serves metadata or credentials.
type Endpoint struct {
	Addr     string // as text, IPv4 dotted or IPv6 in the form of RFC 5952
	Provider string // who serves there; the comment of the rule that counts
	Note     string // what is served, or what to know about it

	raw string // the address in network byte order: 4 or 16 bytes

	// Credentials: blocked only with Options.Credentials.
	Credentials bool
	// DNS: the address is also a resolver; port 53 over UDP and TCP stays open.
	DNS bool
	// Probes: the address also opens connections to the workload (health
	// probes), and the replies must pass.
	Probes bool
}

// Endpoints is the block list: IPv4 before IPv6, each in the order of the
// addresses. Nobody may change it.
var Endpoints = [...]Endpoint{
	{
		Addr: "100.100.100.200", raw: "\x64\x64\x64\xc8",
		Provider: "Alibaba Cloud", Note: "instance metadata",
	},
	{
		// "What is IP address 168.63.129.16", learn.microsoft.com: WireServer on
		// TCP 80 and 32526, DNS on 53, and the source of the load balancer's
		// health probes, which reach containers with this source address.
		Addr: "168.63.129.16", raw: "\xa8\x3f\x81\x10", DNS: true, Probes: true,
		Provider: "Azure", Note: "WireServer; also DNS and the source of load balancer probes",
	},
	{
		Addr: "169.254.0.23", raw: "\xa9\xfe\x00\x17",
		Provider: "Tencent Cloud", Note: "instance metadata",
	},
	{
		Addr: "169.254.42.42", raw: "\xa9\xfe\x2a\x2a",
		Provider: "Scaleway", Note: "instance metadata",
	},
	{
		Addr: "169.254.169.254", raw: "\xa9\xfe\xa9\xfe", DNS: true,
		Provider: "AWS, Azure, GCP, Oracle, OpenStack, Hetzner, Akamai, DigitalOcean, Vultr, Huawei, Exoscale, UpCloud, IBM",
		Note:     "instance metadata; also DNS on GCP",
	},
	{
		Addr: "169.254.170.2", raw: "\xa9\xfe\xaa\x02", Credentials: true,
		Provider: "AWS ECS", Note: "task credentials, which replace those of the instance",
	},
	{
		Addr: "169.254.170.23", raw: "\xa9\xfe\xaa\x17", Credentials: true,
		Provider: "AWS EKS", Note: "Pod Identity, which replaces the credentials of the instance",
	},
	{
		Addr: "192.0.0.192", raw: "\xc0\x00\x00\xc0",
		Provider: "Oracle Classic", Note: "instance metadata",
	},
	{
		Addr: "fd00:42::42", raw: "\xfd\x00\x00\x42\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x42",
		Provider: "Scaleway", Note: "instance metadata",
	},
	{
		Addr: "fd00:c1::a9fe:a9fe", raw: "\xfd\x00\x00\xc1\x00\x00\x00\x00\x00\x00\x00\x00\xa9\xfe\xa9\xfe",
		Provider: "Oracle", Note: "instance metadata",
	},
	{
		Addr: "fd00:ec2::23", raw: "\xfd\x00\x0e\xc2\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x23", Credentials: true,
		Provider: "AWS EKS", Note: "Pod Identity, which replaces the credentials of the instance",
	},
	{
		Addr: "fd00:ec2::254", raw: "\xfd\x00\x0e\xc2\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x54",
		Provider: "AWS", Note: "instance metadata",
	},
	{
		Addr: "fd00:a9fe:a9fe::1", raw: "\xfd\x00\xa9\xfe\xa9\xfe\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
		Provider: "Akamai", Note: "instance metadata",
	},
	{
		Addr: "fd20:ce::254", raw: "\xfd\x20\x00\xce\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x54",
		Provider: "GCP", Note: "instance metadata",
	},
	{
		Addr: "fe80::a9fe:a9fe", raw: "\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xa9\xfe\xa9\xfe",
		Provider: "OpenStack, Hetzner", Note: "instance metadata, link-local on any device",
	},
}

// NeverBlocked lists what stands beside the endpoints and must stay reachable
// with any Options. It is data for the tests and for documentation.
var NeverBlocked = [...]Endpoint{
	{Addr: "169.254.0.2", raw: "\xa9\xfe\x00\x02", Provider: "Oracle", Note: "iSCSI boot and block volumes"},
	{Addr: "169.254.20.10", raw: "\xa9\xfe\x14\x0a", Provider: "Kubernetes", Note: "NodeLocal DNS"},
	{Addr: "169.254.169.123", raw: "\xa9\xfe\xa9\x7b", Provider: "AWS", Note: "NTP"},
	{Addr: "169.254.169.253", raw: "\xa9\xfe\xa9\xfd", Provider: "AWS", Note: "DNS"},
	{Addr: "fd00:ec2::123", raw: "\xfd\x00\x0e\xc2\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x23", Provider: "AWS", Note: "NTP"},
	{Addr: "fd00:ec2::253", raw: "\xfd\x00\x0e\xc2\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x53", Provider: "AWS", Note: "DNS"},
}

// blocked says whether the endpoint is refused under these options.
func (e *Endpoint) blocked(o Options) bool { return !e.Credentials || o.Credentials }

// v6 says whether the endpoint is an IPv6 address.
func (e *Endpoint) v6() bool { return len(e.raw) == 16 }
