// SPDX-License-Identifier: Apache-2.0

package metadata

import "golang.org/x/sys/unix"

const (
	tableName    = "runclad"
	chainOutput  = "output"
	chainOptions = "ip_options"
	chainListed  = "listed"
	chainRefuse  = "refuse"
	setV4        = "endpoints4"
	setV6        = "endpoints6"
)

// chains is the order in which the chains are made and their rules are kept; a
// chain comes after those that it jumps to only in the batch's rules.
var chains = [...]string{chainOutput, chainOptions, chainListed, chainRefuse}

// Addresses that Hit reports for packets that were refused for their headers
// and not for their destination.
const (
	SourceRouteV4 = "ipv4 options"
	SourceRouteV6 = "ipv6 routing header"
)

// rule is one rule: its chain, its comment, and its expressions as the value of
// NFTA_RULE_EXPRESSIONS.
type rule struct {
	chain   string
	comment string
	exprs   []byte
}

// ruleset is what Block makes stand: two sets and the rules, in order.
type ruleset struct {
	v4, v6 []string
	rules  []rule
}

// build returns the rules for the options. It is pure.
func build(o Options) *ruleset {
	rs := &ruleset{rules: make([]rule, 0, 40)}
	for i := range Endpoints {
		switch ep := &Endpoints[i]; {
		case !ep.blocked(o):
		case ep.v6():
			rs.v6 = append(rs.v6, ep.raw)
		default:
			rs.v4 = append(rs.v4, ep.raw)
		}
	}

	// One growing buffer for all rules; a rule keeps its part of it.
	e := &encoder{b: make([]byte, 0, 16<<10)}
	add := func(chain, comment string) {
		n := len(e.b)
		rs.rules = append(rs.rules, rule{chain: chain, comment: comment, exprs: e.b[:n:n]})
		e.b = e.b[n:]
	}

	e.ipv4()
	headerWords(e, neq, "\x05")
	e.verdict(nfJump, chainOptions)
	add(chainOutput, "")
	e.ipv6()
	e.routingHeader()
	e.count()
	e.verdict(nfGoto, chainRefuse)
	add(chainOutput, SourceRouteV6)
	e.ipv4()
	e.payload(network, 16, 4)
	e.lookup(setV4)
	e.verdict(nfGoto, chainListed)
	add(chainOutput, "")
	e.ipv6()
	e.payload(network, 24, 16)
	e.lookup(setV6)
	e.verdict(nfGoto, chainListed)
	add(chainOutput, "")

	// Router Alert (RFC 2113) as the only option: the kernel's IGMP reports.
	e.ipv4()
	headerWords(e, eq, "\x06")
	e.payload(network, 20, 4)
	e.cmp(eq, "\x94\x04\x00\x00")
	e.verdict(nfReturn, "")
	add(chainOptions, "router alert")
	// CIPSO first: NetLabel's, which replaces every other option.
	e.ipv4()
	e.payload(network, 20, 1)
	e.cmp(eq, "\x86")
	e.verdict(nfReturn, "")
	add(chainOptions, "cipso")
	e.count()
	e.verdict(nfGoto, chainRefuse)
	add(chainOptions, SourceRouteV4)

	for i := range Endpoints {
		ep := &Endpoints[i]
		if !ep.blocked(o) {
			continue
		}
		if ep.DNS {
			for _, proto := range [...]string{"\x11", "\x06"} {
				destination(e, ep)
				e.l4proto(proto)
				e.payload(transport, 2, 2)
				e.cmp(eq, "\x00\x35")
				e.verdict(nfAccept, "")
				add(chainListed, "dns")
			}
		}
		if ep.Probes {
			// The peer opens these connections, from a port of its own choice, so
			// what tells a reply is that it never is a bare SYN. The ports on
			// which the peer serves stay shut for every segment, in case a
			// connection to them is older than the block.
			destination(e, ep)
			e.l4proto("\x06")
			e.payload(transport, 2, 2)
			e.cmp(neq, "\x00\x50") // 80
			e.payload(transport, 2, 2)
			e.cmp(neq, "\x7f\x0e") // 32526
			e.payload(transport, 13, 1)
			e.mask("\x12") // SYN | ACK
			e.cmp(neq, "\x02")
			e.verdict(nfAccept, "")
			add(chainListed, "replies to probes")
		}
	}
	// The kernel's own neighbour discovery, so that a router that uses a listed
	// address on the link keeps its route to us. A process without CAP_NET_RAW
	// cannot send these types: its ping sockets send echo requests only.
	for _, typ := range [...]string{"\x87", "\x88"} {
		e.ipv6()
		e.l4proto("\x3a")
		e.payload(transport, 0, 1)
		e.cmp(eq, typ)
		e.verdict(nfAccept, "")
		add(chainListed, "neighbour discovery")
	}
	for i := range Endpoints {
		ep := &Endpoints[i]
		if !ep.blocked(o) {
			continue
		}
		destination(e, ep)
		e.count()
		add(chainListed, ep.Provider)
	}
	e.verdict(nfGoto, chainRefuse)
	add(chainListed, "")

	e.l4proto("\x06")
	e.rejectReset()
	add(chainRefuse, "")
	e.rejectProhibited()
	add(chainRefuse, "")
	return rs
}

// headerWords compares the length of the IPv4 header in words of 4 bytes.
func headerWords(e *encoder, op uint32, words string) {
	e.payload(network, 0, 1)
	e.mask("\x0f")
	e.cmp(op, words)
}

// destination compares the destination with one endpoint.
func destination(e *encoder, ep *Endpoint) {
	if ep.v6() {
		e.ipv6()
		e.payload(network, 24, 16)
	} else {
		e.ipv4()
		e.payload(network, 16, 4)
	}
	e.cmp(eq, ep.raw)
}

// userdata is the comment as the nft program stores and shows it: a
// type-length-value triple of type 0 (NFTNL_UDATA_RULE_COMMENT of libnftnl).
func (r *rule) userdata() string {
	if r.comment == "" {
		return ""
	}
	return string([]byte{0, byte(len(r.comment) + 1)}) + r.comment + "\x00"
}

// batch is a list of changes that the kernel makes as one or not at all.
type batch struct {
	encoder
	first uint32   // sequence number of labels[0]
	steps []string // what each message does, for errors
}

func (b *batch) step(what string, typ, flags uint16) int {
	seq := b.first + uint32(len(b.steps))
	b.steps = append(b.steps, what)
	return b.start(unix.NFNL_SUBSYS_NFTABLES<<8|typ, flags, seq, unix.NFPROTO_INET, 0)
}

// begin opens the batch. The kernel answers ERESTART before it looks at
// anything else if the ruleset is no longer of this generation (Linux 4.11,
// NFNL_BATCH_GENID), which is cheaper than an aborted batch by a grace period.
func (b *batch) begin(gen uint32) {
	b.steps = append(b.steps, "begin")
	at := b.start(unix.NFNL_MSG_BATCH_BEGIN, 0, b.first, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
	b.be32(unix.NFNL_BATCH_GENID, gen)
	b.end(at)
}

// finish closes the batch; the message before it asked for the acknowledgement.
func (b *batch) finish() {
	seq := b.first + uint32(len(b.steps))
	b.steps = append(b.steps, "commit")
	b.end(b.start(unix.NFNL_MSG_BATCH_END, 0, seq, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES))
}

// deleteTable removes the table with all that is in it.
func (b *batch) deleteTable(flags uint16) {
	at := b.step("delete table inet "+tableName, unix.NFT_MSG_DELTABLE, flags)
	b.text(unix.NFTA_TABLE_NAME, tableName)
	b.end(at)
}

// create appends the messages that make the ruleset. The last one asks for an
// acknowledgement.
func (b *batch) create(rs *ruleset) {
	const fresh = unix.NLM_F_CREATE | unix.NLM_F_EXCL
	at := b.step("create table inet "+tableName, unix.NFT_MSG_NEWTABLE, fresh)
	b.text(unix.NFTA_TABLE_NAME, tableName)
	b.be32(unix.NFTA_TABLE_FLAGS, 0)
	b.end(at)

	for _, name := range chains {
		at := b.step("create chain "+name, unix.NFT_MSG_NEWCHAIN, fresh)
		b.text(unix.NFTA_CHAIN_TABLE, tableName)
		b.text(unix.NFTA_CHAIN_NAME, name)
		if name == chainOutput {
			hook := b.open(unix.NFTA_CHAIN_HOOK)
			b.be32(unix.NFTA_HOOK_HOOKNUM, unix.NF_INET_LOCAL_OUT)
			b.be32(unix.NFTA_HOOK_PRIORITY, 0)
			b.shut(hook)
			b.be32(unix.NFTA_CHAIN_POLICY, nfAccept)
			b.text(unix.NFTA_CHAIN_TYPE, "filter")
		}
		b.end(at)
	}

	// The types are those of the nft program's datatypes ipv4_addr and ipv6_addr.
	b.set(setV4, 1, 7, 4, rs.v4)
	b.set(setV6, 2, 8, 16, rs.v6)

	for i := range rs.rules {
		r := &rs.rules[i]
		flags := uint16(unix.NLM_F_CREATE | unix.NLM_F_APPEND)
		if i == len(rs.rules)-1 {
			flags |= unix.NLM_F_ACK
		}
		at := b.step("add a rule to chain "+r.chain, unix.NFT_MSG_NEWRULE, flags)
		b.text(unix.NFTA_RULE_TABLE, tableName)
		b.text(unix.NFTA_RULE_CHAIN, r.chain)
		list := b.open(unix.NFTA_RULE_EXPRESSIONS)
		b.b = append(b.b, r.exprs...)
		b.shut(list)
		if r.comment != "" {
			b.leaf(unix.NFTA_RULE_USERDATA, r.userdata())
		}
		b.end(at)
	}
}

// set makes a constant set of known size, for which the kernel takes a plain
// hash table, and fills it.
func (b *batch) set(name string, id, typ, keyLen uint32, keys []string) {
	at := b.step("create set "+name, unix.NFT_MSG_NEWSET, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	b.text(unix.NFTA_SET_TABLE, tableName)
	b.text(unix.NFTA_SET_NAME, name)
	b.be32(unix.NFTA_SET_FLAGS, unix.NFT_SET_CONSTANT)
	b.be32(unix.NFTA_SET_KEY_TYPE, typ)
	b.be32(unix.NFTA_SET_KEY_LEN, keyLen)
	b.be32(unix.NFTA_SET_ID, id)
	desc := b.open(unix.NFTA_SET_DESC)
	b.be32(unix.NFTA_SET_DESC_SIZE, uint32(len(keys)))
	b.shut(desc)
	b.end(at)

	at = b.step("fill set "+name, unix.NFT_MSG_NEWSETELEM, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	b.text(unix.NFTA_SET_ELEM_LIST_TABLE, tableName)
	b.text(unix.NFTA_SET_ELEM_LIST_SET, name)
	list := b.open(unix.NFTA_SET_ELEM_LIST_ELEMENTS)
	for _, k := range keys {
		elem := b.open(unix.NFTA_LIST_ELEM)
		b.data(unix.NFTA_SET_ELEM_KEY, k)
		b.shut(elem)
	}
	b.shut(list)
	b.end(at)
}
