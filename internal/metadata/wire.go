// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

const errTruncated = fault("truncated netlink message")

// encoder appends netlink messages and attributes to one buffer. Integers in
// nf_tables attributes are big endian, those of headers are the machine's.
type encoder struct{ b []byte }

func (e *encoder) pad() {
	for len(e.b)%unix.NLMSG_ALIGNTO != 0 {
		e.b = append(e.b, 0)
	}
}

// start begins a message; its length is filled in by end.
func (e *encoder) start(typ, flags uint16, seq uint32, family uint8, resource uint16) int {
	at := len(e.b)
	e.b = binary.NativeEndian.AppendUint32(e.b, 0)
	e.b = binary.NativeEndian.AppendUint16(e.b, typ)
	e.b = binary.NativeEndian.AppendUint16(e.b, unix.NLM_F_REQUEST|flags)
	e.b = binary.NativeEndian.AppendUint32(e.b, seq)
	e.b = binary.NativeEndian.AppendUint32(e.b, 0)
	e.b = append(e.b, family, unix.NFNETLINK_V0, byte(resource>>8), byte(resource))
	return at
}

func (e *encoder) end(at int) {
	binary.NativeEndian.PutUint32(e.b[at:], uint32(len(e.b)-at))
}

// open begins a nested attribute; its length is filled in by shut.
func (e *encoder) open(typ uint16) int {
	at := len(e.b)
	e.b = append(e.b, 0, 0)
	e.b = binary.NativeEndian.AppendUint16(e.b, typ|unix.NLA_F_NESTED)
	return at
}

func (e *encoder) shut(at int) {
	binary.NativeEndian.PutUint16(e.b[at:], uint16(len(e.b)-at))
}

func (e *encoder) leaf(typ uint16, v string) {
	e.b = binary.NativeEndian.AppendUint16(e.b, uint16(unix.SizeofNlAttr+len(v)))
	e.b = binary.NativeEndian.AppendUint16(e.b, typ)
	e.b = append(e.b, v...)
	e.pad()
}

// text writes a NUL-terminated string.
func (e *encoder) text(typ uint16, v string) {
	e.b = binary.NativeEndian.AppendUint16(e.b, uint16(unix.SizeofNlAttr+len(v)+1))
	e.b = binary.NativeEndian.AppendUint16(e.b, typ)
	e.b = append(e.b, v...)
	e.b = append(e.b, 0)
	e.pad()
}

func (e *encoder) u8(typ uint16, v uint8) {
	e.b = binary.NativeEndian.AppendUint16(e.b, unix.SizeofNlAttr+1)
	e.b = binary.NativeEndian.AppendUint16(e.b, typ)
	e.b = append(e.b, v)
	e.pad()
}

func (e *encoder) be32(typ uint16, v uint32) {
	e.b = binary.NativeEndian.AppendUint16(e.b, unix.SizeofNlAttr+4)
	e.b = binary.NativeEndian.AppendUint16(e.b, typ)
	e.b = binary.BigEndian.AppendUint32(e.b, v)
}

func (e *encoder) be64(typ uint16, v uint64) {
	e.b = binary.NativeEndian.AppendUint16(e.b, unix.SizeofNlAttr+8)
	e.b = binary.NativeEndian.AppendUint16(e.b, typ)
	e.b = binary.BigEndian.AppendUint64(e.b, v)
}

// attr is one decoded attribute; val points into the message.
type attr struct {
	typ    uint16
	nested bool
	val    []byte
}

func (a attr) be32() uint32 {
	if len(a.val) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(a.val)
}

func (a attr) be64() uint64 {
	if len(a.val) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(a.val)
}

// is says whether the attribute is the string s; the kernel ends strings with NUL.
func (a attr) is(s string) bool {
	return len(a.val) == len(s)+1 && a.val[len(s)] == 0 && string(a.val[:len(s)]) == s
}

// nextAttr takes the first attribute off b.
func nextAttr(b []byte) (attr, []byte, error) {
	if len(b) < unix.SizeofNlAttr {
		return attr{}, nil, errTruncated
	}
	n := int(binary.NativeEndian.Uint16(b))
	typ := binary.NativeEndian.Uint16(b[2:])
	if n < unix.SizeofNlAttr || n > len(b) {
		return attr{}, nil, errTruncated
	}
	next := min((n+unix.NLA_ALIGNTO-1)&^(unix.NLA_ALIGNTO-1), len(b))
	return attr{
		typ:    typ &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER),
		nested: typ&unix.NLA_F_NESTED != 0,
		val:    b[unix.SizeofNlAttr:n],
	}, b[next:], nil
}

// find returns the first attribute of the given type; a missing one has a nil val.
func find(b []byte, typ uint16) (attr, error) {
	for len(b) > 0 {
		a, rest, err := nextAttr(b)
		if err != nil {
			return attr{}, err
		}
		if a.typ == typ {
			return a, nil
		}
		b = rest
	}
	return attr{}, nil
}

// message is one decoded netlink message; body is what follows struct nlmsghdr.
type message struct {
	typ   uint16
	flags uint16
	seq   uint32
	body  []byte
}

// nextMessage takes the first message off b.
func nextMessage(b []byte) (message, []byte, error) {
	if len(b) < unix.SizeofNlMsghdr {
		return message{}, nil, errTruncated
	}
	n := int(binary.NativeEndian.Uint32(b))
	if n < unix.SizeofNlMsghdr || n > len(b) {
		return message{}, nil, errTruncated
	}
	next := min((n+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(b))
	return message{
		typ:   binary.NativeEndian.Uint16(b[4:]),
		flags: binary.NativeEndian.Uint16(b[6:]),
		seq:   binary.NativeEndian.Uint32(b[8:]),
		body:  b[unix.SizeofNlMsghdr:n],
	}, b[next:], nil
}

// tables splits the body of an nf_tables message into the low half of the
// generation of the ruleset that it was read from, and its attributes
// (nft_base_seq in net/netfilter/nf_tables_api.c puts it into res_id).
func (m *message) tables() (family uint8, gen uint16, attrs []byte, err error) {
	if len(m.body) < 4 {
		return 0, 0, nil, errTruncated
	}
	return m.body[0], binary.BigEndian.Uint16(m.body[2:]), m.body[4:], nil
}

// verdict decodes NLMSG_ERROR and NLMSG_DONE: the errno (0 is an
// acknowledgement) and the kernel's sentence, if it gave one (NETLINK_EXT_ACK).
func (m *message) verdict() (unix.Errno, string, error) {
	if len(m.body) < 4 {
		return 0, "", errTruncated
	}
	code := int32(binary.NativeEndian.Uint32(m.body))
	if code > 0 || code < -4095 {
		return 0, "", errTruncated
	}
	tlvs := m.body[4:]
	if m.typ == unix.NLMSG_ERROR && m.flags&unix.NLM_F_ACK_TLVS != 0 {
		if len(tlvs) < unix.SizeofNlMsghdr {
			return 0, "", errTruncated
		}
		skip := unix.SizeofNlMsghdr
		if m.flags&unix.NLM_F_CAPPED == 0 {
			skip = int(min(uint64(binary.NativeEndian.Uint32(tlvs)), uint64(len(tlvs))))
			skip = min((skip+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(tlvs))
		}
		tlvs = tlvs[skip:]
	}
	text := ""
	if m.flags&unix.NLM_F_ACK_TLVS != 0 {
		a, err := find(tlvs, unix.NLMSGERR_ATTR_MSG)
		if err != nil {
			return 0, "", err
		}
		if n := len(a.val); n > 0 {
			text = string(a.val[:n-1])
		}
	}
	return unix.Errno(-code), text, nil
}
