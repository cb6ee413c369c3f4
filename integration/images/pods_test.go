// SPDX-License-Identifier: Apache-2.0

package images

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/runclad/runclad/integration/bed"
)

// criEngine is containerd, spoken to as a kubelet does.
type criEngine struct {
	t *testing.T
	c *bed.Containerd
	k *bed.CRI
}

func (e *criEngine) with(t *testing.T) engine {
	return &criEngine{t: t, c: e.c.With(t), k: e.k.With(t)}
}
func (e *criEngine) load(a bed.Archive, without int) { e.c.Load(a, without) }
func (e *criEngine) unload(a bed.Archive) {
	e.c.Run("--namespace", "k8s.io", "images", "rm", "--sync", a.Name)
}

func (e *criEngine) container(im image, w way) container {
	return &podContainer{criEngine: e, image: im, way: w}
}

// podContainer is the one container of a pod.
type podContainer struct {
	*criEngine
	image image
	way   way
	pod   *bed.Pod
	id    string
	// volume is the volume's folder on the host, shared says that other pods
	// find it too.
	volume  string
	shared  bool
	attempt int
}

func (c *podContainer) up() error {
	pod, err := c.k.RunPod(c.way.flags[0], func(p *cri.PodSandboxConfig) {
		if c.image.hostname != "" {
			p.Hostname = c.image.hostname
		}
	})
	if err != nil {
		return err
	}
	c.pod = pod
	if err := c.makeVolume(); err != nil {
		return err
	}
	return c.start()
}

// makeVolume makes the volume as the kubelet does. An image that starts as root
// gets a hostPath of type DirectoryOrCreate, which is root's. To one with a
// user of its own that would be closed, whatever the runtime; it gets an
// emptyDir, which is open to all and is gone with its pod.
func (c *podContainer) makeVolume() error {
	if c.image.data == "" || c.volume != "" {
		return nil
	}
	if _, user := archive(c.t, c.image.name).Config["User"]; user {
		c.volume = bed.EmptyDir(c.t, c.pod, "data")
		return nil
	}
	c.shared = true
	c.volume = filepath.Join(bed.Dir(c.t, "hostpath"), "data")
	return os.Mkdir(c.volume, 0o755)
}

// start makes the pod's container; each has a log of its own, as a kubelet has it.
func (c *podContainer) start() error {
	c.attempt++
	id, err := c.pod.Start(c.logName(), func(cfg *cri.ContainerConfig) {
		cfg.Image.Image = full(c.image.name)
		cfg.Args = c.image.args
		for _, e := range c.image.env {
			key, value, _ := strings.Cut(e, "=")
			cfg.Envs = append(cfg.Envs, &cri.KeyValue{Key: key, Value: []byte(value)})
		}
		if c.volume != "" {
			cfg.Mounts = []*cri.Mount{{HostPath: c.volume, ContainerPath: c.image.data}}
		}
	})
	c.id = id
	return err
}

func (c *podContainer) logName() string { return fmt.Sprintf("app-%d", c.attempt) }

func (c *podContainer) restart() error {
	if err := c.k.Stop(c.id, 10); err != nil {
		return err
	}
	if err := c.k.Remove(c.id); err != nil {
		return err
	}
	return c.start()
}

func (c *podContainer) again() error {
	if !c.shared {
		return c.restart()
	}
	if err := c.k.Stop(c.id, 10); err != nil {
		return err
	}
	if err := c.pod.Remove(); err != nil {
		return err
	}
	return c.up()
}

func (c *podContainer) down() {
	if c.pod != nil {
		_ = c.pod.Remove()
	}
}

func (c *podContainer) exec(args ...string) bed.Result { return c.k.Exec(c.id, args...) }

func (c *podContainer) logs() string { return c.pod.Log(c.logName()) }

func (c *podContainer) running() bool {
	state, _, err := c.k.Status(c.id)
	return err == nil && state == cri.ContainerState_CONTAINER_RUNNING
}

func (c *podContainer) ip() string { return c.pod.IP() }

func (c *podContainer) once(args ...string) bed.Result {
	c.image.args = args
	defer c.down()
	if err := c.up(); err != nil {
		return bed.Result{Code: -1, Stderr: err.Error()}
	}
	r := bed.Result{Args: args, Code: -1}
	bed.Eventually(c.t, time.Minute, func() error {
		state, code, err := c.k.Status(c.id)
		if err == nil && state != cri.ContainerState_CONTAINER_EXITED {
			err = fmt.Errorf("the container is %v", state)
		}
		r.Code = int(code)
		return err
	})
	r.Stdout = c.logs()
	return r
}
