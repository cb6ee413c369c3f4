// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/runclad/runclad/integration/bed"
)

// policy measures what a policy of ten rules adds to a create, in the compiled
// form in which all creates but the first after a change find it. The runtime
// does nothing, so that the figures are the shim's.
func (b *bench) policy() {
	noop := filepath.Join(bed.Dir(b.p, "noop-policy"), "runc")
	bed.MustRun(b.p, "cp", bed.Build(b.p, "./integration/noop"), noop)
	rt := bed.Runtime{Name: "noop", Path: noop}
	bed.Use(b.p, rt)
	dir := filepath.Dir(bed.PolicyFile)
	with, without := dir+".with", dir+".without"
	bed.MustRun(b.p, "cp", "-a", dir, with)
	bed.Write(b.p, filepath.Join(with, filepath.Base(bed.PolicyFile)), tenRules())
	time.Sleep(1500 * time.Millisecond) // until times tell a change from a later one
	rootfs := bed.Rootfs(b.p)
	create := func() time.Duration {
		took, err := b.newContainer(b.shim, rt, rootfs, "true").create()
		b.must(err)
		return took
	}
	var p pair
	for i := range b.cycles + 5 {
		base := create()
		b.must(errors.Join(os.Rename(dir, without), os.Rename(with, dir)))
		ruled := create()
		b.must(errors.Join(os.Rename(dir, with), os.Rename(without, dir)))
		if i >= 5 { // the first one compiles it
			p.base, p.with = append(p.base, base), append(p.with, ruled)
		}
	}
	heading("Policy: the shim's part of a create, with ten rules of which the last one matches (budget 0.30 ms)")
	c := newComparison("no policy", "ten rules")
	c.row("create", p)
	c.end()
}

func tenRules() string {
	var text strings.Builder
	text.WriteString("[profile.web]\npids_limit = 500\n")
	for n := range 9 {
		fmt.Fprintf(&text, "[[rule]]\nname = \"n%d\"\nmatch = { engine = [\"cri\", \"docker\"], namespace = \"team-%d-*\", image = \"registry.example.com/%d/*\" }\nprofile = \"strict\"\n", n, n, n)
	}
	text.WriteString("[[rule]]\nname = \"rest\"\nprofile = \"web\"\n")
	return text.String()
}
