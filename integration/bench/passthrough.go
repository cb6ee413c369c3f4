// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"

	"github.com/runclad/runclad/integration/bed"
)

// passThrough measures a command that runclad hands off unread. The runtime it
// hands off to is an empty Go program, so that the figures are of starts alone.
func (b *bench) passThrough() {
	noop := filepath.Join(bed.Dir(b.p, "noop"), "runc") // by its name a runc
	built := bed.Build(b.p, "./integration/noop")
	bed.MustRun(b.p, "cp", built, noop)
	bed.Use(b.p, bed.Runtime{Name: "noop", Path: noop})
	args := []string{"--root", "/run/bed-noop", "--log", "/run/none", "--log-format", "json", "state", "x"}
	var p pair
	for i := range b.starts + 20 {
		direct, err := call(append([]string{noop}, args...)...)
		b.must(err)
		through, err := call(append([]string{b.shim}, args...)...)
		b.must(err)
		if i >= 20 { // the first ones fill the page cache
			p.base, p.with = append(p.base, direct), append(p.with, through)
		}
	}
	heading("Pass-through: `state` handed off to an empty Go program")
	c := newComparison("direct", "through runclad")
	c.row("state", p)
	c.end()
	fmt.Printf("an empty Go program starts in %s ms; runclad adds %s ms, that is %s ms over its own empty start (budget 0.30)\n",
		ms(median(p.base)), ms(p.delta()), ms(p.delta()-median(p.base)))
}
