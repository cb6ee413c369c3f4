// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/runclad/runclad/internal/ctl/node"
	"github.com/runclad/runclad/internal/ctl/text"
)

// Verdict is the answer of a probe.
type Verdict string

// The verdicts.
const (
	OK      Verdict = "ok"
	Warning Verdict = "warning" // works, and something about it should be known
	Problem Verdict = "problem" // containers fail, or are not hardened
	Unknown Verdict = "unknown" // could not be found out
)

// Finding is one thing that was looked at.
type Finding struct {
	Area    string  `json:"area"`
	Check   string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	Text    string  `json:"text"`
	Remedy  string  `json:"remedy,omitempty"`
}

// Report is all of them.
type Report struct {
	Findings []Finding       `json:"findings"`
	Counts   map[Verdict]int `json:"counts"`
}

// Host says where things are; tests have other places.
type Host struct {
	// Root is put before every path of a configuration file.
	Root string
	// Shim is the path of runclad itself, "" where it was not found.
	Shim string
	// Daemons are the engines that run.
	Daemons []node.Daemon
	// Program tells whether a program is installed, and where.
	Program func(names ...string) string
}

// shims are where runclad is installed to.
var shims = []string{"/usr/local/bin/runclad", "/usr/bin/runclad", "/usr/local/sbin/runclad", "/usr/sbin/runclad"}

// This returns this host. runclad is looked for beside the program that asks,
// then where it is usually installed.
func This() *Host {
	h := &Host{Daemons: node.Daemons(), Program: program}
	candidates := shims
	if exe, err := os.Executable(); err == nil {
		candidates = append([]string{filepath.Join(filepath.Dir(exe), "runclad")}, shims...)
	}
	for _, p := range candidates {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			h.Shim = p
			break
		}
	}
	return h
}

// path is where a file of the host is.
func (h *Host) path(p string) string { return filepath.Join("/", h.Root, p) }

// engines returns the processes of an engine; where none runs and the engine is
// installed, one without a process.
func (h *Host) engines(name string) []node.Daemon {
	var out []node.Daemon
	for _, d := range h.Daemons {
		if d.Name == name {
			out = append(out, d)
		}
	}
	if exe := h.Program(name); len(out) == 0 && exe != "" {
		out = append(out, node.Daemon{Name: name, Exe: exe})
	}
	return out
}

// rootOf is the folder below which a daemon finds its files.
func (h *Host) rootOf(d node.Daemon) string {
	if d.PID != 0 {
		if root := d.Root(); root != "/" {
			return root
		}
	}
	return h.path("/")
}

// introduce says which daemon the findings that follow are about.
func (a *area) introduce(d node.Daemon) {
	if d.PID == 0 {
		a.ok("daemon", "%s is installed and does not run", d.Exe)
		return
	}
	a.ok("daemon", "%s runs: process %d, %s", d.Name, d.PID, d.Exe)
}

// isShim reports whether a path leads to runclad.
func (h *Host) isShim(p string) bool {
	if filepath.Base(p) == "runclad" {
		return true
	}
	a, err := os.Stat(p)
	b, errShim := os.Stat(h.Shim)
	return err == nil && errShim == nil && os.SameFile(a, b)
}

// Run makes every check, in the order in which an operator would mend them.
func (h *Host) Run() *Report {
	r := &Report{Counts: map[Verdict]int{OK: 0, Warning: 0, Problem: 0, Unknown: 0}}
	for _, part := range [...]struct {
		name  string
		check func(*area)
	}{
		{"kernel", h.kernel},
		{"cgroups", h.cgroups},
		{"runtime", h.runtime},
		{"files", h.files},
		{"policy", h.policy},
		{"log", h.log},
		{"filesystems", h.filesystems},
		{"docker", h.docker},
		{"containerd", h.containerd},
		{"cri-o", h.crio},
		{"podman", h.podman},
		{"conflicts", h.conflicts},
		{"time", h.time},
	} {
		part.check(&area{part.name, r})
	}
	return r
}

// area collects the findings of one area.
type area struct {
	name string
	in   *Report
}

func (a *area) add(check string, v Verdict, remedy, format string, args ...any) {
	a.in.Findings = append(a.in.Findings, Finding{Area: a.name, Check: check, Verdict: v, Text: fmt.Sprintf(format, args...), Remedy: remedy})
	a.in.Counts[v]++
}

func (a *area) ok(check, format string, args ...any) { a.add(check, OK, "", format, args...) }

func (a *area) warn(check, remedy, format string, args ...any) {
	a.add(check, Warning, remedy, format, args...)
}

func (a *area) problem(check, remedy, format string, args ...any) {
	a.add(check, Problem, remedy, format, args...)
}

// unknown is the answer of a probe that could not be made.
func (a *area) unknown(check string, err error) {
	remedy := ""
	if os.Geteuid() != 0 {
		remedy = "run runcladctl doctor as root"
	}
	a.add(check, Unknown, remedy, "could not be found out: %v", err)
}

// Print prints the report for people: what is good in a line for each, what is
// not with its remedy.
func (r *Report) Print(out io.Writer) error {
	paint := text.For(out)
	marks := map[Verdict]string{
		OK: paint.Paint(text.Green, "ok     "), Warning: paint.Paint(text.Yellow, "warning"),
		Problem: paint.Paint(text.Red, "PROBLEM"), Unknown: paint.Paint(text.Cyan, "unknown"),
	}
	last := ""
	for _, f := range r.Findings {
		if f.Area != last {
			fmt.Fprintln(out, paint.Paint(text.Bold, f.Area))
			last = f.Area
		}
		fmt.Fprintf(out, "  %s  %s: %s\n", marks[f.Verdict], f.Check, text.Clean(f.Text))
		if f.Remedy != "" {
			fmt.Fprintf(out, "           %s %s\n", paint.Paint(text.Dim, "→"), text.Clean(f.Remedy))
		}
	}
	_, err := fmt.Fprintf(out, "\n%d ok, %s, %s, %d unknown\n", r.Counts[OK],
		text.Count(r.Counts[Warning], "warning"), text.Count(r.Counts[Problem], "problem"), r.Counts[Unknown])
	return err
}
