// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/runclad/runclad/integration/bed"
)

// growth looks for a cost that rises with the number of containers made, while
// many are alive. Every tenth create is done without runclad, so that what the
// kernel and the runtime grow by can be told from what runclad does.
func (b *bench) growth() {
	rt := bed.DebianRunc(b.p)
	bed.Use(b.p, rt)
	rootfs := bed.Rootfs(b.p)
	var alive []container
	for range b.alive {
		c := b.newContainer(b.shim, rt, rootfs, "sleep", "3600")
		_, err := c.create()
		b.must(err)
		_, err = c.start()
		b.must(err)
		alive = append(alive, c)
	}
	one := func(binary string) series {
		c := b.newContainer(binary, rt, rootfs, "true")
		took, err := c.create()
		b.must(err)
		_, err = c.delete("--force")
		b.must(err)
		return series{took}
	}
	var clad, plain series
	for i := range b.creates {
		clad = append(clad, one(b.shim)...)
		if i%10 == 0 {
			plain = append(plain, one(rt.Path)...)
		}
	}
	for _, c := range alive {
		_, err := c.delete("--force")
		b.must(err)
	}
	tenth := func(s series) (first, last series) {
		n := max(len(s)/10, 1)
		return s[:n], s[len(s)-n:]
	}
	heading("Growth: %d creates in a row with %d containers alive, on %s", b.creates, b.alive, rt.Name)
	for _, v := range []struct {
		name string
		s    series
	}{{"runclad", clad}, {"plain  ", plain}} {
		first, last := tenth(v.s)
		fmt.Printf("%s   first tenth %s ms, last tenth %s ms, ratio %.3f\n", v.name, ms(median(first)), ms(median(last)),
			float64(median(last))/float64(median(first)))
	}
}
