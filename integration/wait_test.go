// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/runclad/runclad/integration/bed"
)

// failure is the result as an error, nil for status 0.
func failure(r bed.Result) error {
	if r.Code == 0 {
		return nil
	}
	return errors.New(r.String())
}

func wantEqual[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	return nil
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
