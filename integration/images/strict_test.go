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

// strictImages bear the built-in profile strict.
var strictImages = []string{"redis", "nginx", "python", "memcached", "scratch", "cli"}

// TestStrict puts images to use under the profile strict. postgres has its
// password in the environment, which that profile refuses.
func TestStrict(t *testing.T) {
	profileOfDocker(t, "strict")
	d := bed.Docker20(t)
	d.Must("build", "-q", "-t", "debian:replica", context(t, "debian"))
	try := func(t *testing.T, im image) error {
		d := d.With(t)
		d.Must("build", "-q", "-t", "replica/"+im.name, context(t, im.name))
		return run(d, im, ways[2])
	}
	for _, im := range images {
		if !slices.Contains(strictImages, im.name) {
			continue
		}
		t.Run(im.name, func(t *testing.T) {
			if err := try(t, im); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("postgres", func(t *testing.T) {
		i := slices.IndexFunc(images, func(im image) bool { return im.name == "postgres" })
		err := try(t, images[i])
		var f *failure
		if !errors.As(err, &f) || f.stage != "start" || !strings.Contains(err.Error(), "POSTGRES_PASSWORD") {
			t.Errorf("a password in the environment: %v", err)
		}
	})
}

// TestBaseline puts images to use that start as root and become another user,
// under the profile baseline.
func TestBaseline(t *testing.T) {
	profileOfDocker(t, "baseline")
	d := bed.Docker20(t)
	d.Must("build", "-q", "-t", "debian:replica", context(t, "debian"))
	for _, im := range images {
		if im.name != "redis" && im.name != "postgres" && im.name != "supervisor" {
			continue
		}
		t.Run(im.name, func(t *testing.T) {
			d := d.With(t)
			d.Must("build", "-q", "-t", "replica/"+im.name, context(t, im.name))
			if err := run(d, im, ways[2]); err != nil {
				t.Error(err)
			}
		})
	}
}

// profileOfDocker has Docker's containers get a profile.
func profileOfDocker(t *testing.T, name string) {
	t.Helper()
	bed.Write(t, bed.PolicyFile, "[[rule]]\nname = \"docker\"\nprofile = \""+name+"\"\nmatch = { engine = \"docker\" }\n")
	t.Cleanup(func() { _ = os.Remove(bed.PolicyFile) })
}
