// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Range is the IDs from First to Last, both included.
type Range struct{ First, Last uint32 }

// DefaultRange is where IDs are taken from unless the policy says otherwise
// (uid_range). It was chosen to be clear of everything that hands out IDs
// without writing them into /etc/passwd or /etc/subuid:
//
//   - systemd: container ranges 524288–1879048191, foreign IDs
//     2147352576–2147418111, all others below 65536
//     (https://systemd.io/UIDS-GIDS, systemd 258 for the foreign IDs)
//   - useradd: subordinate IDs up to SUB_UID_MAX 600100000 (login.defs(5))
//   - sssd with Active Directory: 200000–2000200000
//     (ldap_idmap_range_min and _max, sssd-ldap(5)); FreeIPA's own ranges begin
//     at a multiple of 200000 up to 2000000000
//   - OpenShift: 1000000000–1999999999 (uidAllocatorRange)
//   - LXD and Incus: 1000000–1001000000 (their subuid line for root)
//   - Podman's `containers` line in subuid: 2147483647 and up, as podman-run(1)
//     proposes under --userns=auto; FreeIPA's subordinate IDs: 2147483648 and up
//   - IDs from 2147483648 on: signed in places, the kernel's devpts among them
//     (https://systemd.io/UIDS-GIDS)
//
// A directory service set up to hand out IDs in here needs another uid_range.
var DefaultRange = Range{First: 2001000000, Last: 2147000000}

// lowest is the lowest ID that a container is given on the host. Linters and
// the CIS and NSA guides count IDs above 10000 as unlikely to be a host user's.
const lowest = 10001

// ParseRange reads "FIRST-LAST", as the policy writes it.
func ParseRange(s string) (Range, error) {
	a, b, _ := strings.Cut(s, "-")
	first, err := strconv.ParseUint(a, 10, 32)
	last, lerr := strconv.ParseUint(b, 10, 32)
	if err != nil || lerr != nil || first > last || first < lowest || last == math.MaxUint32 {
		return Range{}, fmt.Errorf("uid range %q: want FIRST-LAST with %d ≤ FIRST ≤ LAST < 4294967295", s, lowest)
	}
	return Range{First: uint32(first), Last: uint32(last)}, nil
}

func (r Range) String() string {
	return strconv.FormatUint(uint64(r.First), 10) + "-" + strconv.FormatUint(uint64(r.Last), 10)
}

func (r Range) overlaps(o Range) bool { return r.First <= o.Last && o.First <= r.Last }

// Ranges is a set of IDs: ranges in ascending order that do not touch.
type Ranges []Range

// Has reports whether id is in the set.
func (rs Ranges) Has(id uint32) bool {
	_, found := slices.BinarySearchFunc(rs, id, func(r Range, id uint32) int {
		switch {
		case r.Last < id:
			return -1
		case r.First > id:
			return 1
		}
		return 0
	})
	return found
}

// normalize sorts and joins ranges that may overlap.
func normalize(rs []Range) Ranges {
	slices.SortFunc(rs, func(a, b Range) int {
		switch {
		case a.First < b.First:
			return -1
		case a.First > b.First:
			return 1
		}
		return 0
	})
	out := rs[:0]
	for _, r := range rs {
		if n := len(out); n > 0 && uint64(r.First) <= uint64(out[n-1].Last)+1 {
			out[n-1].Last = max(out[n-1].Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	return Ranges(out)
}
