// SPDX-License-Identifier: Apache-2.0

package images

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

// known are the failures under runclad that are known, by image, each with its
// reason. They are the same under every engine.
var known = map[string]string{
	"minio": "the root filesystem takes no directory that the image does not have; a volume or a tmpfs at /data does",
}

// TestImages runs each image in each way of runclad's. What becomes of it without
// runclad no change of runclad's can alter: that is asked again with -update.
func TestImages(t *testing.T) {
	var (
		mu      sync.Mutex
		results = map[string]string{}
		columns int
	)
	for _, e := range engines {
		ways := e.ways
		if !*update {
			ways = slices.DeleteFunc(slices.Clone(ways), func(w way) bool { return !w.clad })
		}
		columns += len(ways)
		t.Run(e.name, func(t *testing.T) {
			eng := e.start(t)
			eng.load(archive(t, "debian"), 0)
			t.Run("all", func(t *testing.T) {
				for _, im := range images {
					t.Run(im.name, func(t *testing.T) {
						t.Parallel()
						for way, err := range runAll(t, eng.with(t), im, ways) {
							mu.Lock()
							results[im.name+" "+way] = outcome(err)
							mu.Unlock()
						}
					})
				}
			})
		})
	}
	if t.Failed() || len(results) != len(images)*columns {
		return // also when -run selects some
	}
	compare(t, results)
}

// runAll puts an image to use in the ways of an engine.
func runAll(t *testing.T, e engine, im image, ways []way) map[string]error {
	t.Helper()
	a := archive(t, im.name)
	e.load(a, len(a.Layers)-1) // the first layer, if there are two, came with debian
	defer e.unload(a)
	errs := map[string]error{}
	for _, w := range ways {
		err := run(e, im, w)
		errs[w.name] = err
		why := known[im.name]
		switch {
		case err != nil && !w.clad && w.name == "runc":
			t.Errorf("the replica does not work under plain runc: %v", err)
		case err != nil && w.clad && why == "":
			t.Errorf("%v", err)
		case err == nil && w.clad && why != "":
			t.Errorf("works: take it off the list of known failures")
		case err != nil:
			t.Logf("%s: %v", w.name, err)
		}
	}
	return errs
}

// run puts an image to use, restarts it, and makes it again on its volume.
func run(e engine, im image, w way) error {
	b := &box{container: e.container(im, w), way: w}
	if im.run != nil {
		return staged("use", im.run(b))
	}
	defer b.down()
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
	if err := b.restart(); err != nil {
		return staged("restart", err)
	}
	if err := b.try(again); err != nil {
		return staged("restart", err)
	}
	if im.data == "" {
		return nil
	}
	if err := b.again(); err != nil {
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

// table is the part of docs/images.md that the tests write.
func table(results map[string]string) string {
	var b strings.Builder
	var ways []way
	for _, e := range engines {
		ways = append(ways, e.ways...)
	}
	b.WriteString("| image | what is done with it |")
	for _, w := range ways {
		fmt.Fprintf(&b, " %s |", w.name)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(ways)) + "\n")
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
		b.WriteString("\nKnown failures:\n\n")
		for _, im := range images {
			if why := known[im.name]; why != "" {
				fmt.Fprintf(&b, "- **%s**: %s\n", im.name, why)
			}
		}
	}
	return b.String()
}

// The table stands between these lines of docs/images.md.
const (
	tableBegin = "<!-- generated: images -->\n\n"
	tableEnd   = "\n<!-- end -->\n"
)

func compare(t *testing.T, results map[string]string) {
	t.Helper()
	file := filepath.Join(bed.Repo(t), "docs/images.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), tableBegin)
	got, after, ends := strings.Cut(rest, tableEnd)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table", file)
	}
	if *update {
		bed.Write(t, file, before+tableBegin+table(results)+tableEnd+after)
		return
	}
	takeBaseline(results, got)
	if want := table(results); got != want {
		t.Errorf("docs/images.md is not what the tests found; write it with -update:\n%s", want)
	}
}

// takeBaseline adds to the results what a table says of the ways without
// runclad, which are its first columns.
func takeBaseline(results map[string]string, table string) {
	for line := range strings.Lines(table) {
		cells := strings.Split(line, " | ")
		for i, w := range engines[0].ways {
			if !w.clad && len(cells) > 2+i {
				results[strings.TrimPrefix(cells[0], "| ")+" "+w.name] = cells[2+i]
			}
		}
	}
}
