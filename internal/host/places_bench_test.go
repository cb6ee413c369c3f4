// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/runclad/runclad/internal/layers"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
)

// BenchmarkPlaces: finding the places of an application with few files and with
// many, all of which have an execute bit and have to be read.
func BenchmarkPlaces(b *testing.B) {
	for _, files := range []int{200, 20000} {
		b.Run(fmt.Sprint(files), func(b *testing.B) {
			root := b.TempDir()
			for i := range files {
				p := filepath.Join(root, fmt.Sprintf("app/d%d/f%d", i/100, i))
				if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
					b.Fatal(err)
				}
				if err := os.WriteFile(p, []byte("text"), 0o755); err != nil {
					b.Fatal(err)
				}
			}
			doc, err := spec.ParseSpec([]byte(`{"ociVersion":"1.0.2"}`))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				r, err := openRootfs(root)
				if err != nil {
					b.Fatal(err)
				}
				ls, err := layers.Of(r.real)
				if err != nil {
					b.Fatal(err)
				}
				places(r, doc, nil, ls, User{Cwd: "/app"}, policy.Default().Profile())
				r.close()
			}
		})
	}
}
