// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"path"
	"strings"

	"github.com/runclad/runclad/internal/spec"
)

// The engines that are told apart.
const (
	Docker     = "docker"
	Containerd = "containerd" // ctr, nerdctl and other clients
	CRI        = "cri"        // containerd's CRI plugin: Kubernetes
	Podman     = "podman"
	CRIO       = "cri-o"
	Direct     = "direct" // the runtime called without an engine
)

// Engines are all of them.
var Engines = [...]string{Docker, Containerd, CRI, Podman, CRIO, Direct}

// Workload is the identity of a container as far as its engine tells it.
type Workload struct {
	Engine    string
	Namespace string // Kubernetes namespace, else containerd's
	Pod       string
	PodUID    string
	Name      string
	Image     string
	SandboxID string // CRI: the pod's pause container
	Sandbox   bool   // this is the pause container
	// Claimed says that the names above were chosen by whoever started the
	// container, and prove nothing: the engine passes annotations on as they are.
	Claimed bool
	// ImageID is the digest of the image's configuration, "sha256:…", where the
	// engine tells it: Docker's.
	ImageID string
	// Labels are the container's as its engine keeps them: Docker's.
	Labels *spec.Value
	// DataRoot is Docker's, as its own bind of /etc/hosts shows it.
	DataRoot string
}

// The folder of containerd's shim v2 that holds <namespace>/<id> bundles.
const taskDir = "/io.containerd.runtime.v2.task/"

// Identify tells the workload from the runtime's state root, the bundle's path,
// the container ID, and the spec. Only Docker's own container files are read
// besides: they hold the name and the image, which its specs lack.
func Identify(root, bundle, id string, doc *spec.Document) Workload {
	w := Workload{Engine: Direct}
	if i := strings.LastIndex(bundle, taskDir); i >= 0 {
		ns, rest, _ := strings.Cut(bundle[i+len(taskDir):], "/")
		if rest == id && path.Base(root) == ns {
			w.fromContainerd(ns, id, doc)
		}
		return w
	}
	if storage := path.Dir(path.Dir(bundle)); path.Base(bundle) == "userdata" && path.Base(path.Dir(bundle)) == id &&
		strings.HasSuffix(storage, "-containers") {
		w.fromStorage(doc)
	}
	return w
}

func (w *Workload) fromContainerd(ns, id string, doc *spec.Document) {
	note := func(key string) string { return doc.Get("annotations", key).Str() }
	switch ns {
	case "moby":
		w.Engine = Docker
		w.fromDockerFiles(id, doc)
	case "k8s.io":
		w.Engine = CRI
		const cri = "io.kubernetes.cri."
		w.SandboxID = note(cri + "sandbox-id")
		w.Sandbox = note(cri+"container-type") == "sandbox" && w.SandboxID == id
		w.Namespace = note(cri + "sandbox-namespace")
		w.Pod = note(cri + "sandbox-name")
		w.PodUID = note(cri + "sandbox-uid")
		w.Name = note(cri + "container-name")
		w.Image = note(cri + "image-name")
		if w.Sandbox {
			w.Image = note(cri + "podsandbox.image-name")
		}
	default:
		w.Engine, w.Namespace, w.Claimed = Containerd, ns, true
		w.Name, w.Image = note("nerdctl/name"), note("nerdctl/image-name")
	}
}

// fromStorage serves Podman and CRI-O, which share containers/storage. Their
// annotations can be set by whoever starts a container, so they name things and
// grant nothing.
func (w *Workload) fromStorage(doc *spec.Document) {
	note := func(key string) string { return doc.Get("annotations", key).Str() }
	if note("io.container.manager") != "cri-o" {
		w.Engine, w.Claimed = Podman, true
		return
	}
	w.Engine, w.Claimed = CRIO, true
	w.Name = note("io.kubernetes.cri-o.ContainerName")
	w.Pod = note("io.kubernetes.cri-o.KubeName")
	w.Namespace = note("io.kubernetes.cri-o.Namespace")
	w.Image = note("io.kubernetes.cri-o.ImageName")
}

// fromDockerFiles reads <data-root>/containers/<id>/config.v2.json. Docker's
// data root shows in the source of its own /etc/hosts bind. What cannot be read
// stays empty: the names serve the audit line alone.
func (w *Workload) fromDockerFiles(id string, doc *spec.Document) {
	for _, m := range doc.Get("mounts").Elems() {
		dir := path.Dir(m.Get("source").Str())
		if m.Get("destination").Str() != "/etc/hosts" || path.Base(dir) != id || path.Base(path.Dir(dir)) != "containers" {
			continue
		}
		w.DataRoot = path.Dir(path.Dir(dir))
		f, err := spec.ReadFile(path.Join(dir, "config.v2.json"))
		if err != nil {
			return
		}
		config, err := spec.ParseValue(f.Data())
		if err != nil {
			return
		}
		w.Name = strings.TrimPrefix(config.Get("Name").Str(), "/")
		w.Image, w.ImageID = config.Get("Config", "Image").Str(), config.Get("Image").Str()
		w.Labels = config.Get("Config", "Labels")
		return
	}
}
