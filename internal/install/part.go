// SPDX-License-Identifier: Apache-2.0

package install

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/rogpeppe/go-internal/diff"
)

// part is what one engine needs, or one other thing that is installed.
type part struct {
	edits  []edit
	events []Event // to be reported before the edits
	// check asks the engine once all edits are in place; on failure they are
	// taken back.
	check func() error
	// effect is the command that makes the engine read its files, consequence
	// what it does to containers.
	effect, consequence string
}

// edit is what becomes of one file.
type edit struct {
	file    string
	data    []byte      // nil removes the file
	mode    fs.FileMode // of a new file; 0 for 0644
	program bool        // nothing to show a difference of, and its mode is set anew
	backup  bool        // keep a copy of what is there
	// forget removes the copies: the original is back.
	forget bool
}

// changes tells whether the edit would do anything.
func (e *edit) changes() (bool, error) {
	if e.data != nil {
		if err := notLink(e.file); err != nil {
			return false, err
		}
	}
	if fi, err := os.Lstat(e.file); err == nil && e.program && fi.Mode().Perm() != e.mode {
		return true, nil
	}
	old, err := os.ReadFile(e.file)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = os.Lstat(e.file) // a link that leads nowhere
		return e.data != nil || err == nil, nil
	}
	if err != nil {
		return false, err
	}
	return e.data == nil || !bytes.Equal(old, e.data), nil
}

// apply makes the edits of a part, or reports what they would do.
func (j *job) apply(p part) error {
	for _, e := range p.events {
		j.report(e)
	}
	var undo []func() error
	changed := false
	for _, e := range p.edits {
		did, back, err := j.edit(e)
		if err != nil {
			return takeBack(undo, err)
		}
		changed = changed || did
		if back != nil {
			undo = append(undo, back)
		}
	}
	if p.check != nil && !j.DryRun {
		if err := p.check(); err != nil {
			return takeBack(undo, err)
		}
	}
	if changed && p.effect != "" {
		j.report(Event{Action: Effect, Text: p.effect, Why: p.consequence})
	}
	return nil
}

// takeBack undoes, the last edit first, and returns why.
func takeBack(undo []func() error, why error) error {
	for i := len(undo) - 1; i >= 0; i-- {
		if err := undo[i](); err != nil {
			why = fmt.Errorf("%w; and not taken back: %w", why, err)
		}
	}
	return why
}

// edit makes one edit. It returns whether that changed anything, and how to
// take it back.
func (j *job) edit(e edit) (bool, func() error, error) {
	changes, err := e.changes()
	if err != nil {
		return false, nil, err
	}
	if !changes {
		if e.data != nil {
			j.report(Event{Action: Unchanged, File: e.file})
		}
		return false, nil, nil
	}
	if j.DryRun {
		return true, nil, j.preview(e)
	}
	old, err := read(e.file)
	if err != nil {
		return false, nil, err
	}
	if e.data == nil {
		if err := os.Remove(e.file); err != nil {
			return false, nil, err
		}
		j.report(Event{Action: Removed, File: e.file})
	} else {
		if e.backup && old != nil {
			name, err := backup(e.file, old, j.stamp)
			if err != nil {
				return false, nil, err
			}
			j.report(Event{Action: Backup, File: name})
		}
		if err := replace(e); err != nil {
			return false, nil, err
		}
		done := Wrote
		if e.program {
			done = Installed
		}
		j.report(Event{Action: done, File: e.file})
	}
	if e.forget {
		for _, b := range backups(e.file) {
			if err := os.Remove(b); err != nil {
				return false, nil, err
			}
		}
	}
	return true, func() error {
		if old == nil {
			return os.Remove(e.file)
		}
		return replace(edit{file: e.file, data: old})
	}, nil
}

func (j *job) preview(e edit) error {
	switch {
	case e.data == nil:
		j.report(Event{Action: WouldRemove, File: e.file})
	case e.program:
		j.report(Event{Action: WouldInstall, File: e.file})
	default:
		old, err := read(e.file)
		if err != nil {
			return err
		}
		j.report(Event{Action: WouldWrite, File: e.file, Text: string(diff.Diff(e.file, old, e.file, e.data))})
	}
	return nil
}
