// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/integration/report"
)

// A row is one promise: how to show it, and whether a report keeps it.
type row struct {
	name string
	show func(*report.Report) (text string, hard bool)
	// hardBefore tells that a container without runclad has it too.
	hardBefore bool
}

var rows = []row{
	{name: "UID", show: func(r *report.Report) (string, bool) {
		return strconv.Itoa(r.UID), r.UID > 10000 && r.UID == r.EUID && r.GID > 10000
	}},
	{name: "capabilities", show: capabilities},
	{name: "no_new_privs", show: func(r *report.Report) (string, bool) {
		return strconv.Itoa(r.NoNewPrivs), r.NoNewPrivs == 1
	}},
	{name: "seccomp", hardBefore: true, show: func(r *report.Report) (string, bool) {
		return fmt.Sprintf("mode %d, filters: %d", r.Seccomp, r.Filters), r.Seccomp == 2 && r.Filters > 0
	}},
	{name: "write to /", show: func(r *report.Report) (string, bool) { return write(r, "/"), r.Writes["/"] == "EROFS" }},
	{name: "write to /tmp", hardBefore: true, show: func(r *report.Report) (string, bool) { return write(r, "/tmp"), r.Writes["/tmp"] == "ok" }},
	{name: "metadata endpoint", show: metadata},
}

// capabilities counts those of the bounding set, the widest; all five must be
// empty.
func capabilities(r *report.Report) (string, bool) {
	hard := len(r.Caps) == 5
	for _, set := range r.Caps {
		hard = hard && strings.Trim(set, "0") == ""
	}
	n, err := strconv.ParseUint(r.Caps["Bnd"], 16, 64)
	switch {
	case err != nil:
		return "unknown", false
	case hard:
		return "none in any of the five sets", true
	default:
		return fmt.Sprintf("%d in the bounding set", bits.OnesCount64(n)), false
	}
}

func write(r *report.Report, dir string) string {
	if r.Writes[dir] == "ok" {
		return "works"
	}
	return "refused (" + r.Writes[dir] + ")"
}

// metadata is about the plain attempt over TCP; every other one that got an
// answer is added, and breaks the promise.
func metadata(r *report.Report) (string, bool) {
	var got []string
	for _, a := range report.Attempts {
		if strings.Contains(r.Reach[a.Name].Result, bed.MetadataAnswer) {
			got = append(got, a.Name)
		}
	}
	tcp := r.Reach["tcp4"]
	switch {
	case len(got) > 0:
		return fmt.Sprintf("reached (%d of %d ways)", len(got), len(report.Attempts)-2), false
	case tcp.Result == "" || tcp.Result == "timeout":
		return "hangs", false
	default:
		return fmt.Sprintf("%s after %d ms", tcp.Result, tcp.Millis), tcp.Millis < 500
	}
}
