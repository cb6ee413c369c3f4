// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/internal/ctl/report"
	"github.com/runclad/runclad/internal/metadata"
)

func judged(t *testing.T, r *report.Report, id string) *report.Container {
	t.Helper()
	for i := range r.Containers {
		if r.Containers[i].ID == id {
			return &r.Containers[i]
		}
	}
	t.Fatalf("%s is not in the report: %+v", id, r)
	return nil
}

func verdicts(c *report.Container, v report.Verdict) []string {
	var out []string
	for _, f := range c.Findings {
		if f.Verdict == v {
			out = append(out, f.Standard+" "+f.Clause+" ("+f.Evidence+")")
		}
	}
	return out
}

// beyond are the clauses of a hardened container, with their evidence, that are
// not as they should be.
func beyond(c *report.Container) []string {
	return slices.DeleteFunc(append(verdicts(c, report.NotMet), verdicts(c, report.CannotTell)...), func(f string) bool {
		name, _, _ := strings.Cut(f, " (")
		return slices.Contains(asked, name)
	})
}

// clauses are those of the findings, without the evidence.
func clauses(findings []string) []string {
	var out []string
	for _, f := range findings {
		name, _, _ := strings.Cut(f, " (")
		out = append(out, name)
	}
	return out
}

// asked are the clauses that runclad's defaults do not meet: limits that only an
// engine can choose, and a list of images that only an operator can.
var asked = []string{"CIS 5.11", "CIS 5.12", "NIST 4.1.5"}

// A hardened container meets every clause but those about limits that only an
// engine can choose, and about a list of images; one without runclad, with what --privileged brings, does
// not meet those that it undoes.
func TestReportOfEachRuntime(t *testing.T) {
	bed.Metadata(t)
	for _, rt := range bed.Runtimes(t) {
		t.Run(rt.Name, func(t *testing.T) {
			bed.Use(t, rt)
			clad := container(t, bed.Shim(t), rt, nil)
			clad.Exec(nil, "true")
			open := container(t, rt.Path, rt, func(s *specs.Spec) {
				all := []string{"CAP_SYS_ADMIN", "CAP_NET_ADMIN"}
				s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: all, Effective: all, Permitted: all}
				s.Process.NoNewPrivileges = false
				s.Root.Readonly = false
				s.Linux.Seccomp, s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = nil, nil, nil
				s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(ns specs.LinuxNamespace) bool { return ns.Type == specs.IPCNamespace })
				for i := range s.Mounts {
					if s.Mounts[i].Type == "sysfs" {
						s.Mounts[i].Options = []string{"nosuid", "noexec", "nodev", "rw"}
					}
				}
				s.Mounts = append(s.Mounts, specs.Mount{Destination: "/host/etc", Type: "bind", Source: "/etc", Options: []string{"rbind", "rw"}})
				s.Mounts = slices.DeleteFunc(s.Mounts, func(m specs.Mount) bool { return m.Type == "mqueue" }) // one needs an IPC namespace of its own
			})
			var r report.Report
			bed.CtlJSON(t, &r, "report")
			c := judged(t, &r, clad.ID)
			if got := clauses(verdicts(c, report.NotMet)); !slices.Equal(got, asked) {
				t.Errorf("not met by a hardened container: %q", verdicts(c, report.NotMet))
			}
			if got := verdicts(c, report.CannotTell); len(got) > 0 || len(c.Disagreements) > 0 || len(c.Doubts) > 0 {
				t.Errorf("cannot be told: %q; disagreements: %q; doubts: %q", got, c.Disagreements, c.Doubts)
			}
			p := judged(t, &r, open.ID)
			if !p.Bypasses {
				t.Errorf("%+v", p)
			}
			got := clauses(verdicts(p, report.NotMet))
			for _, want := range []string{
				"CIS 5.4", "CIS 5.5", "CIS 5.6", "CIS 5.13", "CIS 5.17", "CIS 5.22", "CIS 5.24", "CIS 5.26",
				"PSS baseline: host namespaces", "PSS baseline: privileged", "PSS baseline: hostPath", "PSS baseline: /proc",
				"PSS restricted: non-root", "NSA 1.0", "NSA 1.1", "NSA 1.2", "NSA 1.4", "NSA 1.6", "NSA 1.7", "NSA 1.10",
				"NIST 4.4.2", "NIST 4.4.3", "NIST 4.4.4", "NIST 4.4.5",
			} {
				if !slices.Contains(got, want) {
					t.Errorf("%s is met by an unconfined container: %q", want, verdicts(p, report.Met))
				}
			}
			if r.Bypassing != 1 || r.Disagreeing != 0 {
				t.Errorf("bypassing %d, disagreeing %d", r.Bypassing, r.Disagreeing)
			}
			disagree(t, clad)
		})
	}
}

// disagree takes the metadata block away behind runclad's back.
func disagree(t *testing.T, c *bed.Container) {
	t.Helper()
	ns, err := os.Open("/proc/" + strconv.Itoa(c.Pid()) + "/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	if err := metadata.Unblock(int(ns.Fd())); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(bed.Dir(t, "report"), "report.html")
	r := bed.Ctl(t, "report", "--html", page)
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const want = "no block stands in the network namespace"
	if r.Code != 1 || !strings.Contains(string(html), want) || !strings.Contains(string(html), "What was recorded is not what runs") {
		t.Errorf("%v\n%s", r, html)
	}
	if text := bed.Ctl(t, "report"); text.Code != 1 || !strings.Contains(text.Stdout, "DISAGREEMENT") {
		t.Errorf("%v", text)
	}
	if text := bed.Ctl(t, "status"); !strings.Contains(text.Stdout, "METADATA BLOCK IS GONE") {
		t.Errorf("%v", text)
	}
}
