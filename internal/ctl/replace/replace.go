// SPDX-License-Identifier: Apache-2.0

// Package replace writes files that others read at any time: whole, or not at
// all.
package replace

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// File writes a file under another name in the same folder and puts it in the
// place of name when it is whole and on disk.
func File(name string, mode os.FileMode, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".")
	if err != nil {
		var where *os.PathError
		if errors.As(err, &where) {
			where.Path = name // nobody asked for the other name
		}
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
