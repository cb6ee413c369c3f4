// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/runclad/runclad/integration/bed"
)

// options are the sizes of the parts; `-short` makes all of them small.
type options struct {
	starts, cycles, alive, creates, burst int
	only                                  string
}

func main() {
	var o options
	flag.IntVar(&o.starts, "starts", 2000, "pairs of program starts for the pass-through figures")
	flag.IntVar(&o.cycles, "n", 100, "pairs of create, start and delete per runtime")
	flag.IntVar(&o.alive, "alive", 200, "containers alive during the creates")
	flag.IntVar(&o.creates, "creates", 1000, "creates in a row")
	flag.IntVar(&o.burst, "burst", 50, "creates at once")
	flag.StringVar(&o.only, "only", "", "parts to run, separated by commas: passthrough, lifecycle, places, policy, growth, burst, seccomp")
	short := flag.Bool("short", false, "a quick look: small numbers for all")
	flag.Parse()
	if *short {
		o.starts, o.cycles, o.alive, o.creates, o.burst = 300, 15, 30, 100, 20
	}

	bed.Enter()
	p := &bed.Program{}
	b := &bench{p: p, options: o, shim: bed.Shim(p)}
	b.must(netfilter())
	for _, part := range []struct {
		name string
		run  func()
	}{
		{"passthrough", b.passThrough},
		{"lifecycle", b.lifecycle},
		{"places", b.places},
		{"policy", b.policy},
		{"growth", b.growth},
		{"burst", b.many},
		{"seccomp", b.seccomp},
	} {
		if o.only == "" || strings.Contains(","+o.only+",", ","+part.name+",") {
			part.run()
		}
	}
	p.Close()
}

// A bench is one run of the program.
type bench struct {
	options
	p    *bed.Program
	shim string
}

// must ends the benchmark: a figure taken from calls that failed means nothing.
func (b *bench) must(err error) {
	if err != nil {
		b.p.Fatalf("bench: %v", err)
	}
}

func heading(format string, args ...any) {
	fmt.Fprintf(os.Stdout, "\n"+format+"\n", args...)
}
