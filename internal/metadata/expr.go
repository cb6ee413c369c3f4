// SPDX-License-Identifier: Apache-2.0

package metadata

import "golang.org/x/sys/unix"

// Values of linux/netfilter.h and linux/in.h that golang.org/x/sys/unix lacks or
// types otherwise.
const (
	nfAccept = 1 // NF_ACCEPT
	nfReturn = -5
	nfJump   = -3
	nfGoto   = -4

	eq  = unix.NFT_CMP_EQ
	neq = unix.NFT_CMP_NEQ

	network   = unix.NFT_PAYLOAD_NETWORK_HEADER
	transport = unix.NFT_PAYLOAD_TRANSPORT_HEADER

	bitwiseOp   = 6 // NFTA_BITWISE_OP
	countedExpr = "counter"
)

// The methods below append one nf_tables expression each, as an element of
// NFTA_RULE_EXPRESSIONS. All of them work on register 1. They write the
// attributes that the kernel will show again when the rule is listed, so that a
// listing can be held against them (standing.go).

func (e *encoder) expr(name string) (elem, data int) {
	elem = e.open(unix.NFTA_LIST_ELEM)
	e.text(unix.NFTA_EXPR_NAME, name)
	return elem, e.open(unix.NFTA_EXPR_DATA)
}

func (e *encoder) data(typ uint16, v string) {
	at := e.open(typ)
	e.leaf(unix.NFTA_DATA_VALUE, v)
	e.shut(at)
}

// cmp compares register 1 with v and breaks off the rule if it does not hold.
func (e *encoder) cmp(op uint32, v string) {
	elem, data := e.expr("cmp")
	e.be32(unix.NFTA_CMP_SREG, unix.NFT_REG_1)
	e.be32(unix.NFTA_CMP_OP, op)
	e.data(unix.NFTA_CMP_DATA, v)
	e.shut(data)
	e.shut(elem)
}

// meta loads one byte of packet meta data and compares it.
func (e *encoder) meta(key uint32, v string) {
	elem, data := e.expr("meta")
	e.be32(unix.NFTA_META_KEY, key)
	e.be32(unix.NFTA_META_DREG, unix.NFT_REG_1)
	e.shut(data)
	e.shut(elem)
	e.cmp(eq, v)
}

func (e *encoder) ipv4()              { e.meta(unix.NFT_META_NFPROTO, "\x02") }
func (e *encoder) ipv6()              { e.meta(unix.NFT_META_NFPROTO, "\x0a") }
func (e *encoder) l4proto(one string) { e.meta(unix.NFT_META_L4PROTO, one) }

// payload loads bytes of a header.
func (e *encoder) payload(base, offset, n uint32) {
	elem, data := e.expr("payload")
	e.be32(unix.NFTA_PAYLOAD_DREG, unix.NFT_REG_1)
	e.be32(unix.NFTA_PAYLOAD_BASE, base)
	e.be32(unix.NFTA_PAYLOAD_OFFSET, offset)
	e.be32(unix.NFTA_PAYLOAD_LEN, n)
	e.shut(data)
	e.shut(elem)
}

// mask keeps one byte's bits in register 1.
func (e *encoder) mask(one string) {
	elem, data := e.expr("bitwise")
	e.be32(unix.NFTA_BITWISE_SREG, unix.NFT_REG_1)
	e.be32(unix.NFTA_BITWISE_DREG, unix.NFT_REG_1)
	e.be32(unix.NFTA_BITWISE_LEN, 1)
	e.be32(bitwiseOp, 0)
	e.data(unix.NFTA_BITWISE_MASK, one)
	e.data(unix.NFTA_BITWISE_XOR, "\x00")
	e.shut(data)
	e.shut(elem)
}

// lookup breaks off the rule unless register 1 is in the set.
func (e *encoder) lookup(set string) {
	elem, data := e.expr("lookup")
	e.text(unix.NFTA_LOOKUP_SET, set)
	e.be32(unix.NFTA_LOOKUP_SREG, unix.NFT_REG_1)
	e.be32(unix.NFTA_LOOKUP_FLAGS, 0)
	e.shut(data)
	e.shut(elem)
}

// routingHeader breaks off the rule unless the IPv6 packet has a routing header
// of any type (NFT_EXTHDR_F_PRESENT, Linux 4.11).
func (e *encoder) routingHeader() {
	elem, data := e.expr("exthdr")
	e.be32(unix.NFTA_EXTHDR_DREG, unix.NFT_REG_1)
	e.u8(unix.NFTA_EXTHDR_TYPE, unix.IPPROTO_ROUTING)
	e.be32(unix.NFTA_EXTHDR_OFFSET, 0)
	e.be32(unix.NFTA_EXTHDR_LEN, 1)
	e.be32(unix.NFTA_EXTHDR_FLAGS, unix.NFT_EXTHDR_F_PRESENT)
	e.be32(unix.NFTA_EXTHDR_OP, unix.NFT_EXTHDR_OP_IPV6)
	e.shut(data)
	e.shut(elem)
	e.cmp(eq, "\x01")
}

func (e *encoder) count() {
	elem, data := e.expr(countedExpr)
	e.be64(unix.NFTA_COUNTER_BYTES, 0)
	e.be64(unix.NFTA_COUNTER_PACKETS, 0)
	e.shut(data)
	e.shut(elem)
}

// verdict ends the rule; chain is the target of a jump or goto, else empty.
func (e *encoder) verdict(code int32, chain string) {
	elem, data := e.expr("immediate")
	e.be32(unix.NFTA_IMMEDIATE_DREG, unix.NFT_REG_VERDICT)
	d := e.open(unix.NFTA_IMMEDIATE_DATA)
	v := e.open(unix.NFTA_DATA_VERDICT)
	e.be32(unix.NFTA_VERDICT_CODE, uint32(code))
	if chain != "" {
		e.text(unix.NFTA_VERDICT_CHAIN, chain)
	}
	e.shut(v)
	e.shut(d)
	e.shut(data)
	e.shut(elem)
}

func (e *encoder) rejectReset() {
	elem, data := e.expr("reject")
	e.be32(unix.NFTA_REJECT_TYPE, unix.NFT_REJECT_TCP_RST)
	e.shut(data)
	e.shut(elem)
}

func (e *encoder) rejectProhibited() {
	elem, data := e.expr("reject")
	e.be32(unix.NFTA_REJECT_TYPE, unix.NFT_REJECT_ICMPX_UNREACH)
	e.u8(unix.NFTA_REJECT_ICMP_CODE, unix.NFT_REJECT_ICMPX_ADMIN_PROHIBITED)
	e.shut(data)
	e.shut(elem)
}
