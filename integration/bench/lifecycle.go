// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

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

// variants of a container's life: without runclad, with it, and without it but
// with the config that it makes. The last tells what the hardened config costs the
// runtime, or saves it, from what runclad itself takes.
const (
	plain = iota
	clad
	config
	variants
)

func (b *bench) cyclesOf(rt bed.Runtime, rootfs, netns string) {
	hardened := b.hardened(rt, rootfs, netns)
	var create, start, del, whole [variants]series
	for i := range b.cycles + 3 {
		for n := range variants {
			which := (i + n) % variants // none is always the first
			times := b.cycle(which, rt, rootfs, netns, hardened)
			if i < 3 {
				continue
			}
			for j, s := range []*[variants]series{&create, &start, &del} {
				s[which] = append(s[which], times[j])
			}
			whole[which] = append(whole[which], times[0]+times[1]+times[2])
		}
	}
	for _, of := range []struct {
		with  int
		names [2]string
	}{
		{clad, [2]string{"plain", "runclad"}},
		{config, [2]string{"plain", "its config alone"}},
	} {
		c := newComparison(of.names[0], of.names[1])
		for _, r := range []struct {
			name string
			s    *[variants]series
		}{{"create", &create}, {"start", &start}, {"delete", &del}, {"all three", &whole}} {
			c.row(r.name, pair{r.s[plain], r.s[of.with]})
		}
		c.end()
	}
}

// hardened returns the config that runclad makes of the container's. Its sources
// stay for as long as the container that it was made for.
func (b *bench) hardened(rt bed.Runtime, rootfs, netns string) *specs.Spec {
	c := b.containerIn(netns, b.shim, rt, rootfs, "true")
	_, err := c.create()
	b.must(err)
	var s specs.Spec
	b.must(json.Unmarshal(c.Config(), &s))
	for i, ns := range s.Linux.Namespaces {
		if ns.Type == specs.NetworkNamespace {
			s.Linux.Namespaces[i].Path = netns // runclad's own is known to its runtime alone
		}
	}
	return &s
}

// cycle is one container's life.
func (b *bench) cycle(which int, rt bed.Runtime, rootfs, netns string, hardened *specs.Spec) (times [3]time.Duration) {
	var c container
	switch which {
	case plain:
		c = b.containerIn(netns, rt.Path, rt, rootfs, "true")
	case clad:
		c = b.containerIn(netns, b.shim, rt, rootfs, "true")
	case config:
		s := *hardened
		c = container{bed.NewContainer(b.p, rt.Path, rt, rootfs, &s)}
	}
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
