// SPDX-License-Identifier: Apache-2.0

package profiles

import (
	"strconv"

	"github.com/runclad/runclad/profiles/filter"
)

// append writes the profile.
func (m *meeting) append(dst []byte) []byte {
	dst = append(dst, `{"defaultAction":"`...)
	dst = append(dst, m.def.Kind.String()...)
	dst = append(dst, '"')
	if m.def.Kind == filter.Errno {
		dst = append(dst, `,"defaultErrnoRet":`...)
		dst = strconv.AppendUint(dst, uint64(m.def.Errno), 10)
	}
	dst = append(dst, `,"architectures":["`+scmpArch+`"],"syscalls":[`...)
	dst = appendNames(dst, m.whole, filter.Action{})
	dst = append(dst, m.rules...)
	for _, g := range m.refused {
		dst = append(dst, ',')
		dst = appendNames(dst, g.names, g.action)
	}
	return append(dst, "]}"...)
}

func appendNames(dst []byte, names []string, a filter.Action) []byte {
	dst = append(dst, `{"names":[`...)
	for i, n := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendQuote(dst, n)
	}
	dst = append(dst, `],"action":"`...)
	dst = append(dst, a.Kind.String()...)
	dst = append(dst, '"')
	if a.Kind == filter.Errno {
		dst = append(dst, `,"errnoRet":`...)
		dst = strconv.AppendUint(dst, uint64(a.Errno), 10)
	}
	return append(dst, '}')
}

// appendRule appends one rule that allows, with a comma before it. Each argument
// is compared once.
func appendRule(dst []byte, name string, q *filter.Cube) []byte {
	dst = append(dst, `,{"names":["`+name+`"],"action":"SCMP_ACT_ALLOW","args":[`...)
	sep := ""
	for a, mask := range q.Mask {
		if mask == 0 {
			continue
		}
		dst = append(dst, sep...)
		dst = append(dst, `{"index":`...)
		dst = strconv.AppendInt(dst, int64(a), 10)
		dst = append(dst, `,"value":`...)
		dst = strconv.AppendUint(dst, mask, 10)
		if v := q.Val[a]; v != 0 {
			dst = append(dst, `,"valueTwo":`...)
			dst = strconv.AppendUint(dst, v, 10)
		}
		dst = append(dst, `,"op":"SCMP_CMP_MASKED_EQ"}`...)
		sep = ","
	}
	return append(dst, "]}"...)
}
