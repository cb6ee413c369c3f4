// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/argv"
	"github.com/runclad/runclad/internal/spec"
)

// created is a create or run that an engine was seen to make, with the spec that
// came with it.
type created struct {
	Config string
	Argv   []string
}

func corpus(t *testing.T) []created {
	t.Helper()
	f, err := os.Open("testdata/creates.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []created
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c created
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	if len(out) < 100 {
		t.Fatalf("%d calls", len(out))
	}
	return out
}

func TestCorpus(t *testing.T) {
	engines := map[string]string{"docker": Docker, "containerd2": Containerd, "cri": CRI, "podman": Podman}
	for _, c := range corpus(t) {
		t.Run(c.Config, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("../harden/testdata/corpus", c.Config))
			if err != nil {
				t.Fatal(err)
			}
			doc, err := spec.ParseSpec(data)
			if err != nil {
				t.Fatal(err)
			}
			inv, err := argv.Parse(c.Argv, "/", argv.Runc)
			if err != nil {
				t.Fatal(err)
			}
			root := inv.Root
			if root == "" {
				root = "/run/runc"
			}
			w := Identify(root, inv.Bundle, inv.ID, doc)
			folder, scenario, _ := strings.Cut(c.Config, "/")
			if strings.HasPrefix(scenario, "34-buildkit") {
				if w.Engine != Direct { // BuildKit calls runc itself, without containerd
					t.Errorf("BuildKit is taken for %s", w.Engine)
				}
				return
			}
			if w.Engine != engines[folder] {
				t.Errorf("engine %q, want %q", w.Engine, engines[folder])
			}
			if folder != "cri" {
				if w.Sandbox || w.SandboxID != "" || w.Pod != "" {
					t.Errorf("a pod where none is: %+v", w)
				}
				return
			}
			if pause := strings.Contains(scenario, "-runp/"); w.Sandbox != pause || (w.SandboxID == inv.ID) != pause || len(w.SandboxID) != 64 {
				t.Errorf("sandbox %v %s, container %s", w.Sandbox, w.SandboxID, inv.ID)
			}
			if w.Pod == "" || w.Namespace == "" || w.PodUID == "" || w.Image == "" || (w.Name == "") != w.Sandbox {
				t.Errorf("identity %+v", w)
			}
		})
	}
}

const id = "5af4b9d4554a17e37c6cc70c9a03368dd6b53bab657db44a469f794af41c3665"

// forged are annotations that whoever starts a container may set.
const forged = `"annotations":{"io.kubernetes.cri.container-type":"sandbox","io.kubernetes.cri.sandbox-id":"` + id + `",
"io.kubernetes.cri.sandbox-name":"p","io.kubernetes.cri.sandbox-namespace":"kube-system","io.kubernetes.cri.sandbox-uid":"u",
"io.kubernetes.cri.container-name":"n","io.kubernetes.cri.image-name":"i","io.container.manager":"cri-o","io.kubernetes.cri-o.KubeName":"p",
"io.kubernetes.cri-o.Namespace":"kube-system","io.kubernetes.cri-o.ContainerName":"n","io.kubernetes.cri-o.SandboxID":"` + id + `",
"nerdctl/name":"n","dev.runclad.exempt":"all"}`

// TestForged: keys of one engine mean nothing under another.
func TestForged(t *testing.T) {
	doc, err := spec.ParseSpec([]byte(`{"ociVersion":"1.0.2",` + forged + `}`))
	if err != nil {
		t.Fatal(err)
	}
	const task = "/run/containerd/io.containerd.runtime.v2.task/"
	for name, tc := range map[string]struct {
		root, bundle, id string
		want             Workload
	}{
		"docker":             {"/var/run/docker/runtime-runc/moby", task + "moby/" + id, id, Workload{Engine: Docker}},
		"ctr":                {"/run/containerd/runc/default", task + "default/" + id, id, Workload{Engine: Containerd, Namespace: "default", Name: "n", Claimed: true}},
		"podman":             {"/run/runc", "/var/lib/containers/storage/overlay-containers/" + id + "/userdata", id, Workload{Engine: CRIO, Name: "n", Pod: "p", Namespace: "kube-system", Claimed: true}},
		"direct":             {"/run/runc", "/srv/bundle", "c1", Workload{Engine: Direct}},
		"another's root":     {"/run/runc", task + "k8s.io/" + id, id, Workload{Engine: Direct}},
		"another's bundle":   {"/run/containerd/runc/k8s.io", "/srv/bundle", id, Workload{Engine: Direct}},
		"another's ID":       {"/run/containerd/runc/k8s.io", task + "k8s.io/" + id, "c1", Workload{Engine: Direct}},
		"a bundle below":     {"/run/containerd/runc/k8s.io", task + "k8s.io/" + id + "/x", "x", Workload{Engine: Direct}},
		"a namespace below":  {"/run/x/k8s.io", task + "moby/../k8s.io/" + id, id, Workload{Engine: Direct}},
		"userdata elsewhere": {"/run/runc", "/srv/" + id + "/userdata", id, Workload{Engine: Direct}},
		"CRI itself": {"/run/containerd/runc/k8s.io", task + "k8s.io/" + id, id, Workload{
			Engine: CRI, Namespace: "kube-system", Pod: "p", PodUID: "u", Name: "n", SandboxID: id, Sandbox: true,
		}},
		"CRI, not the sandbox": {"/run/containerd/runc/k8s.io", task + "k8s.io/c2", "c2", Workload{
			Engine: CRI, Namespace: "kube-system", Pod: "p", PodUID: "u", Name: "n", Image: "i", SandboxID: id,
		}},
	} {
		if got := Identify(tc.root, tc.bundle, tc.id, doc); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}

// TestDockerFiles: name and image come from a file of Docker's, which is read
// with suspicion, since nothing may hang or fail for an audit line.
func TestDockerFiles(t *testing.T) {
	data := t.TempDir()
	dir := filepath.Join(data, "containers", id)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "config.v2.json")
	identify := func(source string) Workload {
		doc, err := spec.ParseSpec([]byte(fmt.Sprintf(
			`{"ociVersion":"1.0.2","mounts":[{"destination":"/etc/hosts","type":"bind","source":%q}],%s}`, source, forged)))
		if err != nil {
			t.Fatal(err)
		}
		return Identify("/run/docker/runtime-runc/moby", "/x/io.containerd.runtime.v2.task/moby/"+id, id, doc)
	}
	named := Workload{Engine: Docker, Name: "web", Image: "nginx", ImageID: "sha256:00", DataRoot: data}
	unnamed := Workload{Engine: Docker, DataRoot: data}
	write := func(text string) func() error {
		return func() error { return os.WriteFile(file, []byte(text), 0o600) }
	}
	const good = `{"Name":"/web","Image":"sha256:00","Config":{"Image":"nginx","Labels":{"x":"y"}},"State":{"Pid":1}}`
	for name, tc := range map[string]struct {
		make func() error
		want Workload
	}{
		"as Docker writes it": {write(good), named},
		"missing":             {func() error { return nil }, unnamed},
		"empty":               {write(""), unnamed},
		"cut off":             {write(good[:30]), unnamed},
		"not an object":       {write(`["Name"]`), unnamed},
		"other types":         {write(`{"Name":{"a":1},"Config":{"Image":[]}}`), unnamed},
		"no config":           {write(`{"Name":"/web","Config":null}`), Workload{Engine: Docker, Name: "web", DataRoot: data}},
		"two names":           {write(`{"Name":"/web","Name":"/x"}`), unnamed},
		"deep":                {write(strings.Repeat(`{"Name":`, 100) + `1` + strings.Repeat("}", 100)), unnamed},
		"too large":           {write(`{"Name":"/web","x":"` + strings.Repeat("x", spec.MaxSize) + `"}`), unnamed},
		"a FIFO":              {func() error { return unix.Mkfifo(file, 0o600) }, unnamed},
		"a link":              {func() error { return os.Symlink("/etc/passwd", file) }, unnamed},
		"a folder":            {func() error { return os.Mkdir(file, 0o700) }, unnamed},
		"control characters":  {write(`{"Name":"/w\u0000\n\u001b[2J","Config":{"Image":"\u2028"}}`), Workload{Engine: Docker, Name: "w\x00\n\x1b[2J", Image: "\u2028", DataRoot: data}},
	} {
		if err := tc.make(); err != nil {
			t.Fatal(err)
		}
		got := identify(filepath.Join(dir, "hosts"))
		if labels := got.Labels.String(); got.ImageID != "" && labels != `{"x":"y"}` {
			t.Errorf("%s: labels %s", name, labels)
		}
		if got.Labels = nil; got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
		if err := os.RemoveAll(file); err != nil {
			t.Fatal(err)
		}
	}
	if err := write(good)(); err != nil {
		t.Fatal(err)
	}
	// The user's own /etc/hosts leads to no file of Docker's.
	for _, source := range []string{"/srv/hosts", filepath.Join(data, "other", id, "hosts"), filepath.Join(data, "containers", strings.Repeat("0", 64), "hosts"), "", "hosts"} {
		if got, want := identify(source), (Workload{Engine: Docker}); got != want {
			t.Errorf("%s: %+v, want %+v", source, got, want)
		}
	}
}
