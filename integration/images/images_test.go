// SPDX-License-Identifier: Apache-2.0

package images

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

// known are the failures under runclad that are known, each with its reason.
var known = map[string]string{}

// TestImages runs each image in each way.
func TestImages(t *testing.T) {
	d := bed.Docker20(t)
	debian := context(t, "debian")
	d.Must("build", "-q", "-t", "debian:replica", debian)
	var (
		mu      sync.Mutex
		results = map[string]string{}
	)
	t.Run("all", func(t *testing.T) {
		for _, im := range images {
			t.Run(im.name, func(t *testing.T) {
				t.Parallel()
				d := d.With(t)
				d.Must("build", "-q", "-t", "replica/"+im.name, context(t, im.name))
				for _, w := range ways {
					err := run(d, im, w)
					mu.Lock()
					results[im.name+" "+w.name] = outcome(err)
					mu.Unlock()
					switch {
					case err != nil && w.name == "runc":
						t.Errorf("the replica does not work under plain runc: %v", err)
					case err != nil && w.name == "runclad" && known[im.name] == "":
						t.Errorf("%v", err)
					case err == nil && w.name == "runclad" && known[im.name] != "":
						t.Errorf("works: take it off the list of known failures")
					case err != nil:
						t.Logf("%s: %v", w.name, err)
					}
				}
			})
		}
	})
	if t.Failed() || len(results) != len(images)*len(ways) {
		return // also when -run selects some
	}
	compare(t, table(results))
}

// run puts an image to use, restarts it, and makes it again on its volume.
func run(d *bed.Docker, im image, w way) (err error) {
	b := &box{Docker: d, image: im, way: w, name: im.name + "-" + w.name}
	defer d.Run("rm", "-f", "-v", b.name)
	if im.data != "" {
		b.volume = b.name + "-data"
		defer func() {
			d.Run("rm", "-f", "-v", b.name)
			d.Run("volume", "rm", "-f", b.volume)
		}()
	}
	if im.run != nil {
		return staged("use", im.run(b))
	}
	if err := b.up(); err != nil {
		return staged("start", err)
	}
	if err := b.try(im.use); err != nil {
		return staged("use", err)
	}
	again := im.again
	if again == nil {
		again = im.use
	}
	if err := b.docker("restart", "-t", "5", b.name); err != nil {
		return staged("restart", err)
	}
	if err := b.try(again); err != nil {
		return staged("restart", err)
	}
	if b.volume == "" {
		return nil
	}
	if err := b.docker("stop", "-t", "10", b.name); err != nil {
		return staged("volume", err)
	}
	if err := b.docker("rm", "-f", b.name); err != nil {
		return staged("volume", err)
	}
	if err := b.up(); err != nil {
		return staged("volume", err)
	}
	return staged("volume", b.try(again))
}

// A failure is at which stage of run it was.
type failure struct {
	stage string
	err   error
}

func (f *failure) Error() string { return f.stage + ": " + f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func staged(stage string, err error) error {
	if err == nil {
		return nil
	}
	return &failure{stage, err}
}

func outcome(err error) string {
	if err == nil {
		return "works"
	}
	return "fails"
}

// table is the text of docs/images.md.
func table(results map[string]string) string {
	var b strings.Builder
	b.WriteString(`# Images

Replicas of well-known images, built from Debian packages with the users,
ownerships, volumes, working directories and entrypoints of the official ones
(` + "`integration/images`" + `). Each is used for real, restarted, and, where it keeps
data, made again on the same volume, where it has to find them.

Three ways: plain runc; the flags that a careful admin uses
(` + "`--read-only --cap-drop ALL --security-opt no-new-privileges -u 1234567:0 --tmpfs /tmp`" + `);
and runclad with its defaults, no flag and no policy. This table is written by
` + "`go test ./integration/images -update`" + `.

| image | what is done with it | runc | careful flags | runclad |
|---|---|---|---|---|
`)
	count := map[string]int{}
	for _, im := range images {
		fmt.Fprintf(&b, "| %s | %s |", im.name, im.what)
		for _, w := range ways {
			r := results[im.name+" "+w.name]
			if r == "works" {
				count[w.name]++
			}
			fmt.Fprintf(&b, " %s |", r)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "| **%d images** | |", len(images))
	for _, w := range ways {
		fmt.Fprintf(&b, " **%d** |", count[w.name])
	}
	b.WriteString("\n")
	if len(known) > 0 {
		b.WriteString("\n## Known failures\n\n")
		for _, im := range images {
			if why := known[im.name]; why != "" {
				fmt.Fprintf(&b, "- **%s**: %s\n", im.name, why)
			}
		}
	}
	return b.String()
}

func compare(t *testing.T, want string) {
	t.Helper()
	file := filepath.Join(bed.Repo(t), "docs/images.md")
	if *update {
		bed.Write(t, file, want)
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/images.md is not what the tests found; write it with -update:\n%s", want)
	}
}

// context is the build context that build.sh left.
func context(t *testing.T, name string) string {
	t.Helper()
	return filepath.Dir(bed.Cached(t, "images/context/"+name, "Dockerfile"))
}
