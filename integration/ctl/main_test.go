// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/integration/bed"
)

func TestMain(m *testing.M) { bed.Main(m) }

// ctl calls the program.
func ctl(t *testing.T, args ...string) bed.Result {
	t.Helper()
	bin := filepath.Join(bed.Repo(t), "bin/runcladctl")
	if _, err := os.Stat(bin); err != nil {
		t.Fatalf("%v: run make build", err)
	}
	return bed.Run(append([]string{bin}, args...)...)
}

// mustJSON calls the program and decodes what it prints.
func mustJSON(t *testing.T, into any, args ...string) {
	t.Helper()
	r := ctl(t, append(args, "--json")...)
	if err := json.Unmarshal([]byte(r.Stdout), into); err != nil {
		t.Fatalf("%v: %v", err, r)
	}
}

// container starts a container with a network of the bed's.
func container(t *testing.T, binary string, rt bed.Runtime, change func(*specs.Spec)) *bed.Container {
	t.Helper()
	s := bed.DockerSpec(t)
	s.Process.Args = []string{"sleep", "300"}
	netns := bed.NetNS(t)
	for i, ns := range s.Linux.Namespaces {
		if ns.Type == specs.NetworkNamespace {
			s.Linux.Namespaces[i].Path = netns
		}
	}
	if change != nil {
		change(s)
	}
	c := bed.NewContainer(t, binary, rt, bed.Rootfs(t), s)
	c.Up()
	return c
}

// lines are those of an output.
func lines(text string) []string { return strings.Split(strings.TrimSpace(text), "\n") }
