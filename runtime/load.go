// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"fmt"
	"path"

	"github.com/runclad/runclad/internal/spec"
)

// load reads the bundle's config.json.
func (s *shim) load() error {
	file, err := spec.ReadFile(path.Join(s.call.Bundle, "config.json"))
	if err != nil {
		return err
	}
	doc, err := spec.ParseSpec(file.Data())
	if err != nil {
		return fmt.Errorf("%s: %w", file.Path(), err)
	}
	s.file, s.doc = file, doc
	return nil
}
