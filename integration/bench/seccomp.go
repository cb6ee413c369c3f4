// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	moby "github.com/moby/profiles/seccomp"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/profiles"
)

// filters are the variants that the seccomp part compares, in the order in which
// they are printed. The first is the base of the differences.
var filters = [...]string{"no filter", "runclad", "strict", "docker"}

// profilesOf returns the variants' profiles: none, the generated ones for a
// container without capabilities, and Docker's current default for its own 14.
func (b *bench) profilesOf() [len(filters)]*specs.LinuxSeccomp {
	var out [len(filters)]*specs.LinuxSeccomp
	for i, level := range []string{1: profiles.LevelDefault, 2: profiles.LevelStrict} {
		if level == "" {
			continue
		}
		raw, err := profiles.Seccomp(profiles.Options{Runtime: "runc", Level: level})
		b.must(err)
		out[i] = &specs.LinuxSeccomp{}
		b.must(json.Unmarshal([]byte(raw), out[i]))
	}
	s := bed.DockerSpec(b.p)
	docker, err := moby.GetDefaultProfile(s)
	b.must(err)
	out[3] = docker
	return out
}

// seccomp measures, on each runtime alone (runclad adds nothing here but its
// profile), what a profile adds to `run`, and what a system call then costs.
func (b *bench) seccomp() {
	variants := b.profilesOf()
	for _, rt := range bed.Runtimes(b.p) {
		rootfs := bed.Rootfs(b.p)
		bed.MustRun(b.p, "cp", bed.Build(b.p, "./profiles/testdata/probe"), rootfs+"/calls")
		bundle := func(profile *specs.LinuxSeccomp, args ...string) container {
			s := bed.DockerSpec(b.p)
			s.Linux.Seccomp, s.Process.Args = profile, args
			s.Process.NoNewPrivileges, s.Process.Capabilities = true, &specs.LinuxCapabilities{}
			if rt.Crun() {
				s.Version = "1.0.2" // crun 1.8 refuses 1.2 and later
			}
			return container{bed.NewContainer(b.p, rt.Path, rt, rootfs, s)}
		}
		b.load(rt, variants, bundle)
		b.perCall(rt, variants, bundle)
	}
}

type bundler func(profile *specs.LinuxSeccomp, args ...string) container

// load measures `run` of a program that exits at once.
func (b *bench) load(rt bed.Runtime, variants [len(filters)]*specs.LinuxSeccomp, bundle bundler) {
	var times [len(filters)]series
	for turn := range b.cycles + 2 {
		for k := range variants {
			i := (k + turn) % len(variants) // none is always the first
			c := bundle(variants[i], "/calls", "exit")
			took, err := call(c.Argv("run", "--bundle", c.Bundle, c.ID)...)
			b.must(err)
			c.Forget()
			if turn >= 2 {
				times[i] = append(times[i], took)
			}
		}
	}
	heading("Seccomp: what a profile adds to `run` of a program that exits at once, on %s", rt.Name)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\tadds ms\tof docker's\tturns\t\n")
	docker := pair{times[0], times[3]}.delta()
	for i := 1; i < len(variants); i++ {
		d := pair{times[0], times[i]}.delta()
		fmt.Fprintf(w, "%s\t%+.2f\t%.2f\t%d\t\n", filters[i], float64(d)/1e6, float64(d)/float64(docker), len(times[i]))
	}
	_ = w.Flush()
}

// perCall measures getpid, read, futex and openat inside containers.
func (b *bench) perCall(rt bed.Runtime, variants [len(filters)]*specs.LinuxSeccomp, bundle bundler) {
	names := []string{"getpid", "read", "futex", "openat"}
	cost := map[string][]float64{} // by call and variant
	turns := max(b.cycles/4, 5)
	for turn := range turns {
		for k := range variants {
			i := (k + turn) % len(variants)
			c := bundle(variants[i], "/calls", "time")
			argv := c.Argv("run", "--bundle", c.Bundle, c.ID)
			out, err := exec.Command(argv[0], argv[1:]...).Output()
			b.must(err)
			c.Forget()
			for line := range strings.Lines(string(out)) {
				name, ns, _ := strings.Cut(strings.TrimSpace(line), " ")
				v, err := strconv.ParseFloat(ns, 64)
				b.must(err)
				if !slices.Contains(names, name) {
					b.p.Fatalf("bench: the probe printed %q", line)
				}
				cost[name+filters[i]] = append(cost[name+filters[i]], v)
			}
		}
	}
	heading("Seccomp: nanoseconds per system call, on %s", rt.Name)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\t%s\trunclad/docker\tturns\t\n", strings.Join(filters[:], "\t"))
	for _, name := range names {
		fmt.Fprintf(w, "%s", name)
		for _, f := range filters {
			fmt.Fprintf(w, "\t%.0f", median(cost[name+f]))
		}
		ratios := make([]float64, len(cost[name+"docker"]))
		for i := range ratios {
			ratios[i] = cost[name+"runclad"][i] / cost[name+"docker"][i]
		}
		fmt.Fprintf(w, "\t%.2f\t%d\t\n", median(ratios), turns)
	}
	_ = w.Flush()
}
