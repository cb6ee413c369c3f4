// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
)

// Images by the full names that containerd and CRI know them by.
const (
	FullImage  = "bed.invalid/bed:latest"
	PauseImage = "bed.invalid/bed-pause:latest"
)

// An ociImage is what an OCI image layout is made of.
type ociImage struct {
	name   string
	rootfs string
	// env and cmd go to the image's configuration.
	env, cmd []string
}

// descriptor is a content descriptor (OCI image-spec, descriptor.md).
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// layout writes an OCI image layout (image-spec, image-layout.md) with one
// uncompressed layer as a tar file: an image without a registry.
func (img ociImage) layout(t T) string {
	t.Helper()
	dir := Dir(t, "oci")
	layer := filepath.Join(dir, "layer.tar")
	MustRun(t, "tar", "--numeric-owner", "-C", img.rootfs, "-cf", layer, ".")
	blob, err := os.ReadFile(layer)
	if err != nil {
		t.Fatalf("bed: %v", err)
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	file := func(name string, content []byte) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatalf("bed: %v", err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatalf("bed: %v", err)
		}
	}
	add := func(mediaType string, content []byte) descriptor {
		sum := sha256.Sum256(content)
		digest := hex.EncodeToString(sum[:])
		file("blobs/sha256/"+digest, content)
		return descriptor{MediaType: mediaType, Digest: "sha256:" + digest, Size: len(content)}
	}
	object := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("bed: %v", err)
		}
		return b
	}
	l := add("application/vnd.oci.image.layer.v1.tar", blob)
	c := add("application/vnd.oci.image.config.v1+json", object(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Env": img.env, "Cmd": img.cmd},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{l.Digest}},
	}))
	m := add("application/vnd.oci.image.manifest.v1+json", object(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": c, "layers": []descriptor{l},
	}))
	m.Annotations = map[string]string{
		"io.containerd.image.name":          img.name,
		"org.opencontainers.image.ref.name": "latest",
	}
	file("index.json", object(map[string]any{"schemaVersion": 2, "manifests": []descriptor{m}}))
	file("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	if err := w.Close(); err != nil {
		t.Fatalf("bed: %v", err)
	}
	out := filepath.Join(dir, "image.tar")
	if err := os.WriteFile(out, buf.Bytes(), 0o644); err != nil {
		t.Fatalf("bed: %v", err)
	}
	return out
}

// workloadImage is busybox with the probe.
func workloadImage(t T) ociImage {
	t.Helper()
	return ociImage{
		name: FullImage, rootfs: Rootfs(t),
		env: []string{"PATH=/bin:/usr/bin"}, cmd: []string{"sleep", "300"},
	}
}

// pauseImage is like the real one: a single static program, and not one
// folder beside it.
func pauseImage(t T) ociImage {
	t.Helper()
	root := filepath.Join(Dir(t, "pause"), "rootfs")
	mkdir(t, root)
	copyFile(t, probe(t), filepath.Join(root, "pause"))
	return ociImage{name: PauseImage, rootfs: root, cmd: []string{"/pause", "pause"}}
}
