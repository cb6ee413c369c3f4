// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// A Layer is a layer of an image: an uncompressed tar file.
type Layer struct {
	File   string
	Digest string // SHA-256 of the file, in hex
}

// An Archive is an image that engines take without a registry. What it is
// written as is an OCI image layout (image-spec, image-layout.md), which
// containerd, Podman and current Docker read, and a Docker image archive in one,
// which Docker 20.10 reads.
type Archive struct {
	// Name is the full name, with its tag.
	Name string
	// Config is the object of that name in the image's configuration.
	Config map[string]any
	Layers []Layer
}

// A blob is a file of an archive: its content, or where that is on disk.
type blob struct {
	name    string
	content []byte
	file    string
}

// descriptor is a content descriptor (OCI image-spec, descriptor.md).
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// blobs are the files of the archive, the layers first.
func (a Archive) blobs(t T) []blob {
	t.Helper()
	var out []blob
	object := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("bed: %v", err)
		}
		return b
	}
	add := func(mediaType string, v any) descriptor {
		content := object(v)
		sum := sha256.Sum256(content)
		digest := hex.EncodeToString(sum[:])
		out = append(out, blob{name: "blobs/sha256/" + digest, content: content})
		return descriptor{MediaType: mediaType, Digest: "sha256:" + digest, Size: int64(len(content))}
	}
	var (
		layers []descriptor
		diffs  []string
		files  []string
	)
	for _, l := range a.Layers {
		st, err := os.Stat(l.File)
		if err != nil {
			t.Fatalf("bed: %v", err)
		}
		name := "blobs/sha256/" + l.Digest
		out = append(out, blob{name: name, file: l.File})
		layers = append(layers, descriptor{MediaType: "application/vnd.oci.image.layer.v1.tar", Digest: "sha256:" + l.Digest, Size: st.Size()})
		diffs = append(diffs, "sha256:"+l.Digest)
		files = append(files, name)
	}
	config := add("application/vnd.oci.image.config.v1+json", map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": a.Config,
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffs},
	})
	manifest := add("application/vnd.oci.image.manifest.v1+json", map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": config, "layers": layers,
	})
	manifest.Annotations = map[string]string{
		"io.containerd.image.name":          a.Name,
		"org.opencontainers.image.ref.name": "latest",
	}
	return append(out,
		blob{name: "index.json", content: object(map[string]any{"schemaVersion": 2, "manifests": []descriptor{manifest}})},
		blob{name: "manifest.json", content: object([]map[string]any{{
			"Config": "blobs/sha256/" + config.Digest[len("sha256:"):], "RepoTags": []string{a.Name}, "Layers": files,
		}})},
		blob{name: "oci-layout", content: []byte(`{"imageLayoutVersion":"1.0.0"}`)})
}

// Stream returns the archive as a tar stream without its first layers, which
// the engine has from an image loaded before.
func (a Archive) Stream(t T, without int) *io.PipeReader {
	t.Helper()
	blobs := a.blobs(t)[without:]
	r, w := io.Pipe()
	go func() { w.CloseWithError(writeTar(w, blobs)) }()
	return r
}

// Folder writes the archive as a folder whose layers are links to the files.
func (a Archive) Folder(t T) string {
	t.Helper()
	dir := Dir(t, "oci")
	for _, b := range a.blobs(t) {
		path := filepath.Join(dir, b.name)
		if b.file == "" {
			Write(t, path, string(b.content))
			continue
		}
		mkdir(t, filepath.Dir(path))
		if err := os.Symlink(b.file, path); err != nil {
			t.Fatalf("bed: %v", err)
		}
	}
	return dir
}

func writeTar(w io.Writer, blobs []blob) error {
	tw := tar.NewWriter(w)
	for _, b := range blobs {
		if err := writeBlob(tw, b); err != nil {
			return err
		}
	}
	return tw.Close()
}

func writeBlob(w *tar.Writer, b blob) error {
	if b.file == "" {
		if err := w.WriteHeader(&tar.Header{Name: b.name, Mode: 0o644, Size: int64(len(b.content))}); err != nil {
			return err
		}
		_, err := io.Copy(w, bytes.NewReader(b.content))
		return err
	}
	f, err := os.Open(b.file)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: b.name, Mode: 0o644, Size: st.Size()}); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}

// digest is a file's SHA-256 in hex.
func digest(t T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatalf("bed: %v", err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		t.Fatalf("bed: %v", err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
