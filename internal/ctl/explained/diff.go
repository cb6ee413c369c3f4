// SPDX-License-Identifier: Apache-2.0

package explained

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/runclad/runclad/internal/spec"
)

// Diff returns the unified difference between the specification as the engine
// sends it and as the runtime gets it, both indented; nothing where they are the
// same.
func (v *View) Diff() ([]byte, error) {
	switch {
	case v.before == nil:
		return nil, errors.New("the specification that the engine sent is not kept: only its changes are known")
	case v.after == nil:
		return nil, nil
	}
	before, err := indented(v.before)
	if err != nil {
		return nil, err
	}
	after, err := indented(v.after)
	if err != nil {
		return nil, err
	}
	return diff.Diff("config.json (engine)", before, "config.json (runclad)", after), nil
}

func indented(v *spec.Value) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Indent(&b, v.Append(nil), "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
