// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"bytes"
	"errors"

	"golang.org/x/sys/unix"
)

// listing is what stands in the namespace under our table's name.
type listing struct {
	gen       uint32 // generation of the ruleset that was listed
	present   bool
	identical bool // to the ruleset it was held against
	hits      []Hit
}

// list reads the table and compares it with want: the table, the base chain,
// every rule and every set element. It trusts no mark that says "version n", as
// whoever shares the namespace (another container of the pod) may be less
// confined and could have put up an empty table under our name.
//
// errStale is returned if the parts are not of one generation.
func (c *conn) list(want *ruleset) (*listing, error) {
	l := &listing{}
	if err := c.listTable(l, want); err != nil || !l.present || !l.identical {
		return l, err
	}
	if err := c.listSet(l, setV4, want.v4); err != nil || !l.identical {
		return l, err
	}
	return l, c.listSet(l, setV6, want.v6)
}

// The messages of listTable, in order.
const (
	askGen = iota
	askTable
	askChain
	askRules
	asks
)

func (c *conn) listTable(l *listing, want *ruleset) error {
	const get = unix.NFNL_SUBSYS_NFTABLES << 8
	first := c.take(asks)
	e := &encoder{b: make([]byte, 0, 256)}
	e.end(e.start(get|unix.NFT_MSG_GETGEN, 0, first+askGen, unix.AF_UNSPEC, 0))
	at := e.start(get|unix.NFT_MSG_GETTABLE, 0, first+askTable, unix.NFPROTO_INET, 0)
	e.text(unix.NFTA_TABLE_NAME, tableName)
	e.end(at)
	at = e.start(get|unix.NFT_MSG_GETCHAIN, 0, first+askChain, unix.NFPROTO_INET, 0)
	e.text(unix.NFTA_CHAIN_TABLE, tableName)
	e.text(unix.NFTA_CHAIN_NAME, chainOutput)
	e.end(at)
	at = e.start(get|unix.NFT_MSG_GETRULE, unix.NLM_F_DUMP, first+askRules, unix.NFPROTO_INET, 0)
	e.text(unix.NFTA_RULE_TABLE, tableName)
	e.end(at)
	if err := c.send(e.b); err != nil {
		return failure("ask nf_tables for the ruleset", err)
	}

	steps := [asks]string{
		"ask nf_tables for its generation", "list table inet " + tableName,
		"list chain " + chainOutput, "list rules",
	}
	l.identical = true
	haveGen, haveChain := false, false
	next := [len(chains)]int{} // per chain, the first rule of want not seen yet
	err := c.each(first, asks, func(step int, m *message) (bool, error) {
		if m.flags&unix.NLM_F_DUMP_INTR != 0 {
			return false, errStale
		}
		switch m.typ {
		case unix.NLMSG_ERROR, unix.NLMSG_DONE:
			errno, text, err := m.verdict()
			switch {
			case err != nil:
				return false, err
			case errno == unix.ENOENT && step != askGen:
				// No such table or chain: present and haveChain stay false.
			case errno == unix.EINTR || errno == unix.EAGAIN:
				return false, errStale
			case errno != 0:
				return false, &kernelError{op: steps[step], errno: errno, text: text}
			}
			return step == askRules, nil
		}
		family, gen, b, err := m.tables()
		if err != nil {
			return false, err
		}
		if step == askGen {
			a, err := find(b, unix.NFTA_GEN_ID)
			if err != nil || len(a.val) != 4 {
				return false, errTruncated
			}
			l.gen, haveGen = a.be32(), true
			return false, nil
		}
		if !haveGen || gen != uint16(l.gen) {
			return false, errStale
		}
		switch step {
		case askTable:
			l.present = true
			return false, l.table(b)
		case askChain:
			haveChain = true
			return false, l.baseChain(b)
		}
		return false, l.rule(family, b, want, &next)
	})
	if err != nil {
		if errors.Is(err, errStale) {
			return err
		}
		return failure("list table inet "+tableName, err)
	}
	if !haveGen {
		return failure(steps[askGen], errNoAnswer)
	}
	for i, name := range chains {
		if wantRule(want, name, next[i]) != nil {
			l.identical = false
		}
	}
	l.identical = l.identical && l.present && haveChain
	return nil
}

// table checks that the table is not dormant and holds our chains and sets only.
func (l *listing) table(b []byte) error {
	for len(b) > 0 {
		a, rest, err := nextAttr(b)
		if err != nil {
			return err
		}
		b = rest
		switch a.typ {
		case unix.NFTA_TABLE_FLAGS:
			l.identical = l.identical && len(a.val) == 4 && a.be32() == 0
		case unix.NFTA_TABLE_USE:
			l.identical = l.identical && a.be32() == uint32(len(chains)+2)
		}
	}
	return nil
}

// baseChain checks that the chain sees every packet that leaves the namespace.
func (l *listing) baseChain(b []byte) error {
	filter, hooked := false, false
	for len(b) > 0 {
		a, rest, err := nextAttr(b)
		if err != nil {
			return err
		}
		b = rest
		switch a.typ {
		case unix.NFTA_CHAIN_TYPE:
			filter = a.is("filter")
		case unix.NFTA_CHAIN_HOOK:
			num, err := find(a.val, unix.NFTA_HOOK_HOOKNUM)
			if err != nil {
				return err
			}
			prio, err := find(a.val, unix.NFTA_HOOK_PRIORITY)
			if err != nil {
				return err
			}
			hooked = len(num.val) == 4 && num.be32() == unix.NF_INET_LOCAL_OUT &&
				len(prio.val) == 4 && prio.be32() == 0
		case unix.NFTA_CHAIN_POLICY:
			l.identical = l.identical && a.be32() == nfAccept
		}
	}
	l.identical = l.identical && filter && hooked
	return nil
}

// rule holds one listed rule against the next wanted one of its chain, and takes
// its counter.
func (l *listing) rule(family uint8, b []byte, want *ruleset, next *[len(chains)]int) error {
	var table, chain, exprs, data attr
	for len(b) > 0 {
		a, rest, err := nextAttr(b)
		if err != nil {
			return err
		}
		b = rest
		switch a.typ {
		case unix.NFTA_RULE_TABLE:
			table = a
		case unix.NFTA_RULE_CHAIN:
			chain = a
		case unix.NFTA_RULE_EXPRESSIONS:
			exprs = a
		case unix.NFTA_RULE_USERDATA:
			data = a
		}
	}
	// A kernel that does not filter a listing by table shows the others too.
	if family != unix.NFPROTO_INET || !table.is(tableName) {
		return nil
	}
	hit, counted, err := hitOf(exprs.val)
	if err != nil {
		return err
	}
	if counted {
		l.hits = append(l.hits, hit)
	}
	for i, name := range chains {
		if !chain.is(name) {
			continue
		}
		w := wantRule(want, name, next[i])
		next[i]++
		if w == nil {
			break
		}
		same, err := sameExprs(w.exprs, exprs.val)
		if err != nil {
			return err
		}
		l.identical = l.identical && same && string(data.val) == w.userdata()
		return nil
	}
	// A rule too many, or in a chain that is not ours.
	l.identical = false
	return nil
}

// wantRule returns the nth rule of a chain, or nil.
func wantRule(rs *ruleset, chain string, n int) *rule {
	for i := range rs.rules {
		if rs.rules[i].chain != chain {
			continue
		}
		if n == 0 {
			return &rs.rules[i]
		}
		n--
	}
	return nil
}

// sameExprs compares two values of NFTA_RULE_EXPRESSIONS.
func sameExprs(want, got []byte) (bool, error) {
	for len(want) > 0 {
		if len(got) == 0 {
			return false, nil
		}
		w, rest, err := nextAttr(want)
		if err != nil {
			return false, err
		}
		want = rest
		g, rest, err := nextAttr(got)
		if err != nil {
			return false, err
		}
		got = rest
		wn, err := find(w.val, unix.NFTA_EXPR_NAME)
		if err != nil {
			return false, err
		}
		gn, err := find(g.val, unix.NFTA_EXPR_NAME)
		if err != nil {
			return false, err
		}
		if !bytes.Equal(wn.val, gn.val) {
			return false, nil
		}
		if wn.is(countedExpr) {
			continue
		}
		wd, err := find(w.val, unix.NFTA_EXPR_DATA)
		if err != nil {
			return false, err
		}
		gd, err := find(g.val, unix.NFTA_EXPR_DATA)
		if err != nil {
			return false, err
		}
		if same, err := sameAttrs(wd.val, gd.val); !same || err != nil {
			return false, err
		}
	}
	return len(got) == 0, nil
}

// sameAttrs compares two lists of attributes as the kernel reads them: an
// attribute that is absent is one of all zeroes. That way a kernel that shows an
// attribute more or less than another (NFTA_BITWISE_OP since Linux 5.6) still
// shows what was set. What is nested is known from want, which this package made.
func sameAttrs(want, got []byte) (bool, error) {
	for b := want; len(b) > 0; {
		w, rest, err := nextAttr(b)
		if err != nil {
			return false, err
		}
		b = rest
		g, err := find(got, w.typ)
		if err != nil {
			return false, err
		}
		switch {
		case w.nested:
			if same, err := sameAttrs(w.val, g.val); !same || err != nil {
				return false, err
			}
		case g.val == nil && zero(w.val):
		case !bytes.Equal(w.val, g.val):
			return false, nil
		}
	}
	for b := got; len(b) > 0; {
		g, rest, err := nextAttr(b)
		if err != nil {
			return false, err
		}
		b = rest
		w, err := find(want, g.typ)
		if err != nil {
			return false, err
		}
		if w.val == nil && !zero(g.val) {
			return false, nil
		}
	}
	return true, nil
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// listSet compares the elements of a set with the keys, in any order.
func (c *conn) listSet(l *listing, name string, keys []string) error {
	op := "list set " + name
	first := c.take(1)
	e := &encoder{b: make([]byte, 0, 128)}
	at := e.start(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETSETELEM, unix.NLM_F_DUMP, first, unix.NFPROTO_INET, 0)
	e.text(unix.NFTA_SET_ELEM_LIST_TABLE, tableName)
	e.text(unix.NFTA_SET_ELEM_LIST_SET, name)
	e.end(at)
	if err := c.send(e.b); err != nil {
		return failure(op, err)
	}
	seen := uint64(0) // one bit per key
	err := c.each(first, 1, func(_ int, m *message) (bool, error) {
		if m.flags&unix.NLM_F_DUMP_INTR != 0 {
			return false, errStale
		}
		if m.typ == unix.NLMSG_ERROR || m.typ == unix.NLMSG_DONE {
			errno, text, err := m.verdict()
			switch {
			case err != nil:
				return false, err
			case errno == unix.ENOENT:
				l.identical = false
			case errno == unix.EINTR || errno == unix.EAGAIN:
				return false, errStale
			case errno != 0:
				return false, &kernelError{op: op, errno: errno, text: text}
			}
			return true, nil
		}
		_, gen, b, err := m.tables()
		if err != nil {
			return false, err
		}
		if gen != uint16(l.gen) {
			return false, errStale
		}
		list, err := find(b, unix.NFTA_SET_ELEM_LIST_ELEMENTS)
		if err != nil {
			return false, err
		}
		for b := list.val; len(b) > 0; {
			elem, rest, err := nextAttr(b)
			if err != nil {
				return false, err
			}
			b = rest
			i, err := keyOf(elem.val, keys)
			if err != nil {
				return false, err
			}
			if i < 0 || seen&(1<<i) != 0 {
				l.identical = false
				continue
			}
			seen |= 1 << i
		}
		return false, nil
	})
	if err != nil {
		if errors.Is(err, errStale) {
			return err
		}
		return failure(op, err)
	}
	l.identical = l.identical && seen == 1<<len(keys)-1
	return nil
}

// keyOf returns which key the set element is, or -1. An element with anything
// beside its key (a timeout, a flag) is not one of ours.
func keyOf(elem []byte, keys []string) (int, error) {
	a, rest, err := nextAttr(elem)
	if err != nil {
		return -1, err
	}
	if a.typ != unix.NFTA_SET_ELEM_KEY || len(rest) != 0 {
		return -1, nil
	}
	v, err := find(a.val, unix.NFTA_DATA_VALUE)
	if err != nil {
		return -1, err
	}
	for i, k := range keys {
		if k == string(v.val) {
			return i, nil
		}
	}
	return -1, nil
}
