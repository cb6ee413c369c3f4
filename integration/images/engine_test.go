// SPDX-License-Identifier: Apache-2.0

package images

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

// An engine is what runs the images.
type engine interface {
	// with returns the same engine for a subtest.
	with(t *testing.T) engine
	// load gives it an image, without the layers that it has already.
	load(a bed.Archive, without int)
	unload(a bed.Archive)
	// container prepares one, and starts nothing.
	container(im image, w way) container
}

// A container is a container of an image, under some engine.
type container interface {
	// up makes it and starts it.
	up() error
	// restart does what the engine's user or kubelet does: the same container
	// again, or another one in the same pod.
	restart() error
	// again makes another one on the volume of the first.
	again() error
	// down removes it with all that it had.
	down()

	exec(args ...string) bed.Result
	logs() string
	running() bool
	ip() string
	// once runs another container of the image to its end.
	once(args ...string) bed.Result
}

// lineEngine is Docker or Podman, whose command lines are the same as far as
// the images go.
type lineEngine struct {
	run  func(args ...string) bed.Result
	give func(a bed.Archive, without int)
	sub  func(t *testing.T) engine
	// global says that the flags of a way are the command's own.
	global bool
}

func dockerEngine(d *bed.Docker) engine {
	return &lineEngine{run: d.Run, give: d.Load, sub: func(t *testing.T) engine { return dockerEngine(d.With(t)) }}
}

func podmanEngine(p *bed.Podman) engine {
	return &lineEngine{
		run:    p.Run,
		give:   func(a bed.Archive, _ int) { p.Load(a) },
		sub:    func(t *testing.T) engine { return podmanEngine(p.With(t)) },
		global: true,
	}
}

func (e *lineEngine) with(t *testing.T) engine        { return e.sub(t) }
func (e *lineEngine) load(a bed.Archive, without int) { e.give(a, without) }
func (e *lineEngine) unload(a bed.Archive)            { e.run("rmi", "-f", a.Name) }
func (e *lineEngine) container(im image, w way) container {
	c := &lineContainer{lineEngine: e, image: im, way: w, name: im.name + "-" + strings.ReplaceAll(w.name, " ", "-")}
	if im.data != "" {
		c.volume = c.name + "-data"
	}
	return c
}

type lineContainer struct {
	*lineEngine
	image  image
	way    way
	name   string
	volume string
}

// command is how the engine's command line runs a container in the way of c.
func (c *lineContainer) command(flags ...string) []string {
	if c.global {
		return append(append(slices.Clone(c.way.flags), "run"), flags...)
	}
	return append(append([]string{"run"}, c.way.flags...), flags...)
}

// do runs the engine's command line.
func (c *lineContainer) do(args ...string) error {
	if r := c.run(args...); r.Code != 0 {
		return fmt.Errorf("%s: %s", args[0], lastLines(r.Output(), 3))
	}
	return nil
}

func (c *lineContainer) up() error {
	args := c.command("-d", "--name", c.name)
	for _, e := range c.image.env {
		args = append(args, "-e", e)
	}
	if c.volume != "" {
		args = append(args, "-v", c.volume+":"+c.image.data)
	}
	if c.image.hostname != "" {
		args = append(args, "--hostname", c.image.hostname)
	}
	args = append(args, full(c.image.name))
	return c.do(append(args, c.image.args...)...)
}

func (c *lineContainer) restart() error { return c.do("restart", "-t", "5", c.name) }

func (c *lineContainer) again() error {
	if err := c.do("stop", "-t", "10", c.name); err != nil {
		return err
	}
	if err := c.do("rm", "-f", c.name); err != nil {
		return err
	}
	return c.up()
}

func (c *lineContainer) down() {
	c.run("rm", "-f", "-v", c.name)
	if c.volume != "" {
		c.run("volume", "rm", "-f", c.volume)
	}
}

func (c *lineContainer) exec(args ...string) bed.Result {
	return c.run(append([]string{"exec", c.name}, args...)...)
}

func (c *lineContainer) logs() string { return c.run("logs", c.name).Output() }

func (c *lineContainer) running() bool {
	return strings.TrimSpace(c.run("inspect", "-f", "{{.State.Running}}", c.name).Stdout) == "true"
}

func (c *lineContainer) ip() string {
	return strings.TrimSpace(c.run("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", c.name).Stdout)
}

func (c *lineContainer) once(args ...string) bed.Result {
	return c.run(append(append(c.command("--rm", "-i"), full(c.image.name)), args...)...)
}
