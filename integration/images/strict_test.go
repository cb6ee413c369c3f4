// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

// TestStrict puts images to use under the profile strict. postgres has its
// password in the environment, which that profile refuses.
func TestStrict(t *testing.T) {
	underProfile(t, "strict", func(t *testing.T, name string, try func() error) {
		err := try()
		if name != "postgres" {
			if err != nil {
				t.Error(err)
			}
			return
		}
		var f *failure
		if !errors.As(err, &f) || f.stage != "start" || !strings.Contains(err.Error(), "POSTGRES_PASSWORD") {
			t.Errorf("a password in the environment: %v", err)
		}
	}, "redis", "nginx", "python", "memcached", "scratch", "cli", "postgres")
}

// TestBaseline puts images to use that start as root and become another user,
// under the profile baseline.
func TestBaseline(t *testing.T) {
	underProfile(t, "baseline", func(t *testing.T, _ string, try func() error) {
		if err := try(); err != nil {
			t.Error(err)
		}
	}, "redis", "postgres", "supervisor")
}

// underProfile has Docker's containers get a profile, and puts images to use.
func underProfile(t *testing.T, profile string, judge func(t *testing.T, name string, try func() error), names ...string) {
	t.Helper()
	bed.Write(t, bed.PolicyFile, "[[rule]]\nname = \"docker\"\nprofile = \""+profile+"\"\nmatch = { engine = \"docker\" }\n")
	t.Cleanup(func() { _ = os.Remove(bed.PolicyFile) })
	docker := engines[0]
	clad := docker.ways[slices.IndexFunc(docker.ways, func(w way) bool { return w.clad })]
	eng := docker.start(t)
	eng.load(archive(t, "debian"), 0)
	for _, name := range names {
		i := slices.IndexFunc(images, func(im image) bool { return im.name == name })
		if i < 0 {
			t.Fatalf("there is no image %s", name)
		}
		t.Run(name, func(t *testing.T) {
			e := eng.with(t)
			a := archive(t, name)
			e.load(a, len(a.Layers)-1)
			defer e.unload(a)
			judge(t, name, func() error { return run(e, images[i], clad) })
		})
	}
}
