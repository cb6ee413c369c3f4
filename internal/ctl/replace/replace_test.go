// SPDX-License-Identifier: Apache-2.0

package replace

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	text := func(s string, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			_, _ = io.WriteString(w, s)
			return err
		}
	}
	if err := File(name, 0o644, text("one", nil)); err != nil {
		t.Fatal(err)
	}
	if err := File(name, 0o600, text("half", errors.New("no"))); err == nil {
		t.Error("the error of the writer is lost")
	}
	data, err := os.ReadFile(name)
	info, errStat := os.Stat(name)
	if err != nil || errStat != nil || string(data) != "one" || info.Mode().Perm() != 0o644 {
		t.Errorf("%q %v", data, info)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
