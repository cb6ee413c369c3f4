// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/integration/bed"
)

func TestMain(m *testing.M) { bed.Main(m) }

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
