// SPDX-License-Identifier: Apache-2.0

package profiles

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	moby "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/profiles/bpf"
)

// dockerCaps are the capabilities of a Docker container without options
// (moby, daemon/pkg/oci/caps, DefaultCapabilities).
var dockerCaps = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
	"CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
}

// docker returns Docker's default profile for a set of capabilities.
func docker(t testing.TB, caps []string) *specs.LinuxSeccomp {
	t.Helper()
	p, err := moby.GetDefaultProfile(&specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{Bounding: caps}}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// BenchmarkLoad measures how long `RUNTIME run` of a program that exits at once
// takes under no filter, this one, and Docker's default. The variants take
// turns, and each reports the median of its time over that of "none" in the
// same turn, in milliseconds.
//
//	go test -run - -bench Load -benchtime 100x ./profiles
func BenchmarkLoad(b *testing.B) {
	list := runtimes(b)
	fs := rootfs(b)
	raw, err := Seccomp(Options{Runtime: "runc"})
	if err != nil {
		b.Fatal(err)
	}
	variants := []struct {
		name    string
		profile *specs.LinuxSeccomp
	}{
		{"none", nil},
		{"ours", parse(b, []byte(raw))},
		{"docker-nocaps", docker(b, nil)},
		{"docker", docker(b, dockerCaps)},
	}
	dirs := make([]string, len(variants))
	for i, v := range variants {
		dirs[i] = bundle(b, fs, v.profile, "/bin/probe", "exit")
	}
	for _, runtime := range list {
		b.Run(strings.Trim(runtime, "/"), func(b *testing.B) {
			state := b.TempDir()
			times := make([][]time.Duration, len(variants))
			for n := 0; b.Loop(); n++ {
				turn := make([]time.Duration, len(variants))
				for k := range variants {
					i := (k + n) % len(variants)
					begin := time.Now()
					if _, err := run(b, runtime, state, dirs[i]); err != nil {
						b.Fatal(err)
					}
					turn[i] = time.Since(begin)
				}
				times[0] = append(times[0], turn[0])
				for i := 1; i < len(variants); i++ {
					times[i] = append(times[i], turn[i]-turn[0])
				}
			}
			for i, v := range variants {
				slices.Sort(times[i])
				unit := "ms-added-by-" + v.name
				if i == 0 {
					unit = "ms-none"
				}
				b.ReportMetric(float64(times[i][len(times[i])/2])/1e6, unit)
			}
		})
	}
}

// BenchmarkCalls measures what a call costs in a container under no filter, this
// one, and Docker's default. The variants take turns; each reports the median.
//
//	go test -run - -bench Calls -benchtime 20x ./profiles
func BenchmarkCalls(b *testing.B) {
	list := runtimes(b)
	fs := rootfs(b)
	raw, err := Seccomp(Options{Runtime: "runc"})
	if err != nil {
		b.Fatal(err)
	}
	names := []string{"none", "ours", "docker"}
	dirs := []string{
		bundle(b, fs, nil, "/bin/probe", "time"),
		bundle(b, fs, parse(b, []byte(raw)), "/bin/probe", "time"),
		bundle(b, fs, docker(b, dockerCaps), "/bin/probe", "time"),
	}
	for _, runtime := range list {
		b.Run(strings.Trim(runtime, "/"), func(b *testing.B) {
			state := b.TempDir()
			cost := map[string][]int{}
			for n := 0; b.Loop(); n++ {
				for k := range dirs {
					i := (k + n) % len(dirs)
					out, err := run(b, runtime, state, dirs[i])
					if err != nil {
						b.Fatal(err)
					}
					for line := range strings.Lines(out) {
						call, ns, _ := strings.Cut(strings.TrimSpace(line), " ")
						v, err := strconv.Atoi(ns)
						if err != nil {
							b.Fatalf("the probe printed %q", line)
						}
						cost[call+"-"+names[i]] = append(cost[call+"-"+names[i]], v)
					}
				}
			}
			for k, v := range cost {
				slices.Sort(v)
				b.ReportMetric(float64(v[len(v)/2]), "ns-"+k)
			}
		})
	}
}

// BenchmarkSeccomp measures the making of profiles itself.
func BenchmarkSeccomp(b *testing.B) {
	for _, bb := range []struct {
		name string
		caps []string
	}{{"bare", nil}, {"docker-caps", dockerCaps}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Seccomp(Options{Runtime: "runc", Capabilities: bb.caps}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCompile measures what of the loading is libseccomp's compilation.
func BenchmarkCompile(b *testing.B) {
	raw, err := Seccomp(Options{Runtime: "runc"})
	if err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name    string
		profile *specs.LinuxSeccomp
	}{{"ours", parse(b, []byte(raw))}, {"docker-nocaps", docker(b, nil)}, {"docker", docker(b, dockerCaps)}} {
		for _, tree := range []bool{false, true} {
			name := bb.name + "/list"
			if tree {
				name = bb.name + "/tree"
			}
			b.Run(name, func(b *testing.B) {
				size := 0
				for b.Loop() {
					prog, err := bpf.Compile(bb.profile, tree)
					if err != nil {
						b.Fatal(err)
					}
					size = len(prog)
				}
				b.ReportMetric(float64(size), "instructions")
			})
		}
	}
}
