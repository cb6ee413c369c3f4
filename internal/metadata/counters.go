// SPDX-License-Identifier: Apache-2.0

package metadata

import "golang.org/x/sys/unix"

// Hit is what was refused at one endpoint since the block was made. A block that
// is replaced (other options, another version) begins at zero.
type Hit struct {
	// Addr is an address of Endpoints, or SourceRouteV4 or SourceRouteV6 for
	// packets that were refused for their headers, whatever their destination.
	Addr     string
	Provider string // empty for those
	Packets  uint64
	Bytes    uint64
}

// Counters returns the hits per endpoint, in the order of the rules, those at
// zero included. It returns ErrNotBlocked if there is no block.
func Counters(netns int) ([]Hit, error) {
	c, err := dial(netns)
	if err != nil {
		return nil, err
	}
	defer c.close()
	var hits []Hit
	err = retry(func() error {
		l := &listing{}
		if err := c.listTable(l, &ruleset{}); err != nil {
			return err
		}
		if !l.present {
			return ErrNotBlocked
		}
		hits = l.hits
		return nil
	})
	return hits, err
}

// hitOf reads the counter of a rule and which endpoint it belongs to, from the
// value that the rule compares the destination with. Rules without a counter,
// and those of endpoints that this version does not know, are none.
func hitOf(exprs []byte) (hit Hit, ok bool, err error) {
	counted, compared, routing := false, false, false
	for len(exprs) > 0 {
		elem, rest, err := nextAttr(exprs)
		if err != nil {
			return hit, false, err
		}
		exprs = rest
		name, err := find(elem.val, unix.NFTA_EXPR_NAME)
		if err != nil {
			return hit, false, err
		}
		data, err := find(elem.val, unix.NFTA_EXPR_DATA)
		if err != nil {
			return hit, false, err
		}
		switch {
		case name.is("exthdr"):
			routing = true
		case name.is("cmp"):
			compared = true
			d, err := find(data.val, unix.NFTA_CMP_DATA)
			if err != nil {
				return hit, false, err
			}
			v, err := find(d.val, unix.NFTA_DATA_VALUE)
			if err != nil {
				return hit, false, err
			}
			for i := range Endpoints {
				if Endpoints[i].raw == string(v.val) {
					hit.Addr, hit.Provider = Endpoints[i].Addr, Endpoints[i].Provider
				}
			}
		case name.is(countedExpr):
			p, err := find(data.val, unix.NFTA_COUNTER_PACKETS)
			if err != nil {
				return hit, false, err
			}
			b, err := find(data.val, unix.NFTA_COUNTER_BYTES)
			if err != nil {
				return hit, false, err
			}
			counted, hit.Packets, hit.Bytes = true, p.be64(), b.be64()
		}
	}
	switch {
	case hit.Addr != "":
	case routing:
		hit.Addr = SourceRouteV6
	case compared:
		return Hit{}, false, nil
	default:
		// The only counter of ours without a comparison before it.
		hit.Addr = SourceRouteV4
	}
	return hit, counted, nil
}
