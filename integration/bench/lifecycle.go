// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/runclad/runclad/integration/bed"
)

// lifecycle measures create, start and delete with and without runclad, on
// Debian's runc and a current one: in a network namespace that the runtime makes,
// as under Docker, and in one that is there already, as in pods and under Podman.
func (b *bench) lifecycle() {
	for _, rt := range []bed.Runtime{bed.DebianRunc(b.p), bed.CurrentRunc(b.p)} {
		bed.Use(b.p, rt)
		rootfs := bed.Rootfs(b.p)
		for _, network := range []struct{ what, path string }{
			{"a network namespace of its own", ""},
			{"one that exists, a pod's", bed.NetNS(b.p)},
		} {
			heading("Lifecycle on %s in %s: Docker's config and default seccomp profile, against runclad", rt.Name, network.what)
			b.cyclesOf(rt, rootfs, network.path)
		}
	}
}

func (b *bench) cyclesOf(rt bed.Runtime, rootfs, netns string) {
	var create, start, del, whole pair
	for i := range b.cycles + 3 {
		var times [2][3]time.Duration
		order := [2]int{i % 2, 1 - i%2} // neither is always the first
		for _, which := range order {
			times[which] = b.cycle([2]string{rt.Path, b.shim}[which], rt, rootfs, netns)
		}
		if i < 3 {
			continue
		}
		for j, p := range []*pair{&create, &start, &del} {
			p.base, p.with = append(p.base, times[0][j]), append(p.with, times[1][j])
		}
		sum := func(t [3]time.Duration) time.Duration { return t[0] + t[1] + t[2] }
		whole.base, whole.with = append(whole.base, sum(times[0])), append(whole.with, sum(times[1]))
	}
	c := newComparison("plain", "runclad")
	c.row("create", create)
	c.row("start", start)
	c.row("delete", del)
	c.row("all three", whole)
	c.end()
}

// cycle is one container's life.
func (b *bench) cycle(binary string, rt bed.Runtime, rootfs, netns string) (times [3]time.Duration) {
	c := b.containerIn(netns, binary, rt, rootfs, "true")
	var err error
	times[0], err = c.create()
	b.must(err)
	times[1], err = c.start()
	b.must(err)
	c.ended()
	times[2], err = c.delete()
	b.must(err)
	return times
}
