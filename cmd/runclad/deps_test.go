// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"strings"
	"testing"
)

// heavy are packages that the shim must not carry: what the operator's tool is
// made of, and what costs time at each start.
var heavy = []string{
	"github.com/runclad/runclad/internal/ctl/",
	"github.com/spf13/",
	"github.com/prometheus/",
	"github.com/moby/",
	"compress/gzip",
	"html/template",
	"net/http",
	"text/template",
}

// An engine calls the shim for every container: what only the operator's tool
// needs stays out of it.
func TestTheShimStaysLight(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 50 {
		t.Fatalf("only %d packages: %q", len(deps), deps)
	}
	for _, dep := range deps {
		for _, h := range heavy {
			if dep == strings.TrimSuffix(h, "/") || strings.HasPrefix(dep, h) && strings.HasSuffix(h, "/") {
				t.Errorf("the shim depends on %s", dep)
			}
		}
	}
}
