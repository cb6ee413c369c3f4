// SPDX-License-Identifier: Apache-2.0

// Package metadata makes the metadata endpoints of the clouds unreachable from
// inside one network namespace, with one nftables table in that namespace.
//
// What belongs here: the list of endpoints, the rules that refuse them, and the
// little of netlink(7) and nf_tables that it takes to list, set, remove and
// count them. It is on the path of every container start, so it encodes its own
// messages on golang.org/x/sys/unix sockets and starts no program.
//
// What does not: which containers get the block, and the finding of their
// namespace. A caller compares the namespace with the host's (SameNetns) first;
// a container that shares the host's network must never be handed to Block, as
// the rules would cut off the host itself.
//
// # The rules
//
//	table inet runclad
//	  chain output         hook output, priority filter, policy accept
//	    IPv4 header with options       → ip_options
//	    IPv6 packet with routing header → count, refuse
//	    daddr in endpoints4/endpoints6 → listed
//	  chain ip_options     what a process without CAP_NET_RAW cannot send returns; the rest: count, refuse
//	  chain listed         DNS, replies to probes and neighbour discovery accepted; the rest: count per endpoint, refuse
//	  chain refuse         TCP: reset; anything else: ICMP administratively prohibited
//
// The output hook sees a packet after the socket has chosen its source, its
// device and its route, so SO_BINDTODEVICE, IP_PKTINFO, scoped link-local
// addresses, v4-mapped addresses, TCP Fast Open and MPTCP subflows all pass it
// (a route or an address check at connect(2) does not see them). The one thing
// that a process without capabilities can change is which address stands in the
// header: a source route in the options (IP_OPTIONS, ip(7)) and an IPv6 routing
// header (IPV6_RTHDR, ipv6(7), RFC 8754) put the first hop there and hide the
// destination behind it. The routing header needs no capability
// (net/ipv6/ipv6_sockglue.c); the source route needs CAP_NET_RAW on Linux 6.18.44
// and nothing on older kernels (net/ipv4/ip_options.c). Neither leaves the
// namespace at all.
//
// IPv4 options are refused by what is allowed, not by "ip option lsrr exists":
// that match compiles the options of the packet a second time
// (ipv4_find_option in net/netfilter/nft_exthdr.c), and a record-route or
// timestamp option that was advanced by the first compilation can make the
// second fail, which nf_tables reports as "no such option". Left alone are
// Router Alert as the only option (IGMP reports) and options that begin with
// CIPSO (NetLabel; setting it takes CAP_NET_RAW). The price is that a diagnostic
// record route or timestamp (ping -R, ping -T) from inside is refused as well.
//
// A source-routed TCP connection is dropped, but its reset comes from the first
// hop, which is not the address that the socket waits for: such a connect(2)
// ends with its own timeout instead of at once. So does an echo request from an
// ICMPv6 ping socket, for which the kernel reports no error of sending.
//
// # What it does not stop
//
// A process with CAP_NET_RAW can write frames past the hook (packet(7)), and
// one with CAP_NET_ADMIN over the namespace can remove the table. Block is a
// control on top of empty capability sets. Requests that another machine or
// another namespace makes on behalf of the container (a proxy) are not seen.
//
// # lo
//
// A TCP reset travels over the loopback device; while lo is down a refused
// connect(2) would hang instead of failing. Block brings lo up and Unblock
// leaves it up.
package metadata
