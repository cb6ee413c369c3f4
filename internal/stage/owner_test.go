// SPDX-License-Identifier: Apache-2.0

package stage

import "testing"

func TestMapping(t *testing.T) {
	const b = 2001207296 // 65536 * 30536
	block := []Mapping{{0, b, 65536}}
	for name, c := range map[string]struct {
		onDisk, shown uint32
		lines         []Mapping
		want          map[uint32]uint32 // 0 for what is not mapped, but for 0 itself
	}{
		"no namespace": {999, r, nil, map[uint32]uint32{0: 0, 998: 998, 999: r, 1000: 1000, r: 0, r - 1: r - 1, r + 1: r + 1, 4294967294: 4294967294}},
		"root":         {0, r, nil, map[uint32]uint32{0: r, 1: 1, r: 0}},
		"no change":    {5, 5, nil, map[uint32]uint32{0: 0, 4: 4, 5: 5, 6: 6}},
		"natural":      {0, b, block, map[uint32]uint32{0: b, 1: b + 1, 65535: b + 65535, 65536: 65536, b: 0, b + 65535: 0, b + 65536: b + 65536}},
		"owner as root": {999, b, block, map[uint32]uint32{
			0: 0, 999: b, 1: b + 1, 998: b + 998, 1000: b + 1000, 65535: b + 65535, b: 0, b + 1: 0,
		}},
		"two lines": {100, 7, []Mapping{{0, 500, 200}, {200, 1000, 10}}, map[uint32]uint32{
			99: 599, 100: 7, 101: 601, 200: 1000, 209: 1009, 210: 210, 499: 499, 500: 0, 600: 600, 1000: 0, 7: 507,
		}},
	} {
		got := mapping(c.onDisk, c.shown, c.lines)
		if len(got) > 340 {
			t.Errorf("%s: %d lines, more than the kernel takes", name, len(got))
		}
		for disk, want := range c.want {
			have, mapped := uint32(0), 0
			for _, l := range got {
				if i := int64(disk) - int64(l.ContainerID); i >= 0 && i < int64(l.Size) {
					have = uint32(l.HostID) + uint32(i)
					mapped++
				}
			}
			if have != want || mapped > 1 || mapped == 0 && want != 0 {
				t.Errorf("%s: %d is shown as %d (%d lines), want %d", name, disk, have, mapped, want)
			}
		}
		for i, a := range got {
			for _, b := range got[i+1:] {
				if a.HostID < b.HostID+b.Size && b.HostID < a.HostID+a.Size {
					t.Errorf("%s: %v and %v show the same", name, a, b)
				}
			}
		}
	}
}
