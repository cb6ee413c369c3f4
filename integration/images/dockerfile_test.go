// SPDX-License-Identifier: Apache-2.0

package images

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

// archive is an image as build.sh left it: its layers, and the configuration
// that its Dockerfile asks for. All engines are given the same.
func archive(t *testing.T, name string) bed.Archive {
	t.Helper()
	dir := filepath.Dir(bed.Cached(t, "images/replica/"+name, "Dockerfile"))
	text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	layers, err := filepath.Glob(filepath.Join(dir, "*.tar"))
	if err != nil {
		t.Fatal(err)
	}
	a := bed.Archive{Name: full(name), Config: config(t, string(text))}
	for _, file := range layers { // sorted
		sum, err := os.ReadFile(strings.TrimSuffix(file, ".tar") + ".sha256")
		if err != nil {
			t.Fatal(err)
		}
		a.Layers = append(a.Layers, bed.Layer{File: file, Digest: strings.TrimSpace(string(sum))})
	}
	return a
}

// full is an image's name as containerd knows it.
func full(name string) string { return "docker.io/replica/" + name + ":latest" }

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// config makes of a Dockerfile what a builder makes of it. It has no FROM and
// nothing that makes a layer; build.sh did that.
func config(t *testing.T, dockerfile string) map[string]any {
	t.Helper()
	env := []string{path}
	c := map[string]any{}
	list := func(text string) []string {
		if !strings.HasPrefix(text, "[") {
			return strings.Fields(text)
		}
		var out []string
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			t.Fatalf("Dockerfile: %s: %v", text, err)
		}
		return out
	}
	set := func(list []string, suffix string) map[string]struct{} {
		out := map[string]struct{}{}
		for _, s := range list {
			out[s+suffix] = struct{}{}
		}
		return out
	}
	for line := range strings.Lines(dockerfile) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "ENV":
			for _, kv := range strings.Fields(rest) {
				if strings.HasPrefix(kv, "PATH=") {
					env[0] = kv
				} else {
					env = append(env, kv)
				}
			}
		case "USER":
			c["User"] = rest
		case "WORKDIR":
			c["WorkingDir"] = rest
		case "VOLUME":
			c["Volumes"] = set(list(rest), "")
		case "EXPOSE":
			c["ExposedPorts"] = set(list(rest), "/tcp")
		case "STOPSIGNAL":
			c["StopSignal"] = rest
		case "ENTRYPOINT":
			c["Entrypoint"] = list(rest)
		case "CMD":
			c["Cmd"] = list(rest)
		default:
			t.Fatalf("Dockerfile: %q is not known here", line)
		}
	}
	c["Env"] = env
	return c
}
