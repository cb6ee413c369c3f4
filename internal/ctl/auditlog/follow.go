// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// interval is how often the logs are looked at.
const interval = 200 * time.Millisecond

// Follow calls f for each line that is appended to the logs from now on, until
// the context ends. A log that is rotated away is read to its end, then the new
// one from its beginning; one that does not exist is waited for.
func Follow(ctx context.Context, logs []string, f func(Line) error) error {
	follow, err := Follower(logs)
	if err != nil {
		return err
	}
	return follow(ctx, f)
}

// Follower remembers where the logs end now, for a caller that prints what they
// hold before it follows them.
func Follower(logs []string) (func(ctx context.Context, f func(Line) error) error, error) {
	tails := make([]*tail, len(logs))
	for i, path := range logs {
		tails[i] = &tail{path: path}
		if err := tails[i].open(); err != nil {
			return nil, err
		}
		if tails[i].file != nil {
			end, err := tails[i].file.Seek(0, io.SeekEnd)
			if err != nil {
				return nil, err
			}
			tails[i].offset = end
		}
	}
	return func(ctx context.Context, f func(Line) error) error {
		defer func() {
			for _, t := range tails {
				t.close()
			}
		}()
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			var found []Line
			for _, t := range tails {
				ls, err := t.more()
				if err != nil {
					return err
				}
				found = append(found, ls...)
			}
			ByTime(found)
			for _, l := range found {
				if err := f(l); err != nil {
					return err
				}
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	}, nil
}

// tail is one log that is followed.
type tail struct {
	path   string
	file   *os.File // nil while there is none
	offset int64
	begun  []byte // a line without an end
}

func (t *tail) open() error {
	f, err := os.OpenFile(t.path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", t.path)
	}
	if err != nil {
		f.Close()
		return err
	}
	t.file, t.offset, t.begun = f, 0, nil
	return nil
}

func (t *tail) close() {
	if t.file != nil {
		t.file.Close()
		t.file = nil
	}
}

// more returns the lines that have come. Whether the log was rotated is asked
// before the old file is read: nobody writes to it after that, so that its end is
// its end.
func (t *tail) more() ([]Line, error) {
	var out []Line
	for {
		rotated, err := t.rotated()
		if err != nil {
			return out, err
		}
		if t.file != nil {
			ls, err := t.read()
			if err != nil {
				return out, err
			}
			out = append(out, ls...)
		}
		if t.file != nil && !rotated {
			return out, nil
		}
		if len(t.begun) > 0 { // the old file's last line, cut off
			l := Line{File: t.path, Raw: t.begun}
			l.decode()
			out = append(out, l)
		}
		t.close()
		if err := t.open(); err != nil || t.file == nil {
			return out, err
		}
	}
}

// rotated reports whether the path leads to another file than the open one. A
// path that leads nowhere means that a new one will come.
func (t *tail) rotated() (bool, error) {
	if t.file == nil {
		return false, nil
	}
	now, err := os.Stat(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	have, err := t.file.Stat()
	if err != nil {
		return false, err
	}
	return !os.SameFile(now, have), nil
}

func (t *tail) read() ([]Line, error) {
	info, err := t.file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < t.offset { // truncated: copytruncate
		t.offset, t.begun = 0, nil
	}
	var out []Line
	r := io.NewSectionReader(t.file, t.offset, max(0, info.Size()-t.offset))
	err = lines(r, func(raw []byte, size int64, whole bool) error {
		t.offset += size
		if !whole {
			t.begun = append(t.begun, raw...)
			return nil
		}
		l := Line{File: t.path, Raw: append(t.begun, raw...)}
		t.begun = nil
		if len(bytes.TrimSpace(l.Raw)) > 0 {
			l.decode()
			out = append(out, l)
		}
		return nil
	})
	return out, err
}
