// SPDX-License-Identifier: Apache-2.0

package images

import (
	"testing"
	"time"

	"github.com/runclad/runclad/integration/bed"
)

// A way is how an image is run: a column of the table.
type way struct {
	name string
	// flags are what the engine is told; for CRI the runtime handler.
	flags []string
	// patience is how long a use of the image may take to succeed.
	patience time.Duration
	// clad says that runclad runs it: it has to work.
	clad bool
}

const patience = 3 * time.Minute

// engines are those that the images are run under, each with its ways. That a
// replica works without runclad, and what the flags of a careful admin make of
// it, is asked of one of them.
var engines = []struct {
	name  string
	start func(t *testing.T) engine
	ways  []way
}{
	{
		name:  "docker20",
		start: func(t *testing.T) engine { return dockerEngine(bed.Docker20(t)) },
		ways: []way{
			{name: "runc", flags: []string{"--runtime", "plain"}, patience: patience},
			// What does not work this way mostly ends at once.
			{name: "careful flags", flags: []string{
				"--runtime", "plain", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "-u", "1234567:0", "--tmpfs", "/tmp",
			}, patience: time.Minute},
			{name: "Docker 20.10", flags: []string{"--runtime", "runclad"}, patience: patience, clad: true},
		},
	},
	{
		name:  "docker",
		start: func(t *testing.T) engine { return dockerEngine(bed.DockerCurrent(t)) },
		ways:  []way{{name: "Docker 29", flags: []string{"--runtime", "runclad"}, patience: patience, clad: true}},
	},
	{
		name:  "podman",
		start: func(t *testing.T) engine { return podmanEngine(bed.NewPodman(t)) },
		ways:  []way{{name: "Podman 4.3", flags: []string{"--runtime", "runclad"}, patience: patience, clad: true}},
	},
	{
		name: "cri",
		start: func(t *testing.T) engine {
			c := bed.Containerd2(t)
			return &criEngine{t: t, c: c, k: c.CRI()}
		},
		ways: []way{{name: "CRI (containerd 2.4)", flags: []string{"runclad"}, patience: patience, clad: true}},
	},
}
