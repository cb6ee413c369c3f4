// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Line is one line of a file.
type Line struct {
	File   string
	Number int // 1 for the first; 0 where a file is read from somewhere within
	Raw    []byte
	Entry  *Entry // nil if the line is broken
	Err    error  // why
}

// maxLine bounds a line: the longest that the shim writes are those of specs
// with thousands of mounts.
const maxLine = 16 << 20

func (l *Line) decode() {
	l.Entry, l.Err = Parse(l.Raw)
	if l.Err != nil {
		where := ""
		if l.Number > 0 {
			where = fmt.Sprintf(" %d", l.Number)
		}
		l.Err = fmt.Errorf("%s: line%s is broken: %w", l.File, where, l.Err)
	}
}

// lines yields the lines of a reader without their ends, with the number of
// bytes that each takes in the file. A last one without an end is yielded with
// whole false: it may still be being written. A line that is longer than maxLine
// is cut.
func lines(r io.Reader, each func(raw []byte, size int64, whole bool) error) error {
	br := bufio.NewReaderSize(r, 64<<10)
	var raw []byte
	size := int64(0)
	for {
		part, err := br.ReadSlice('\n')
		size += int64(len(part))
		raw = append(raw, part[:min(len(part), maxLine-len(raw))]...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		atEnd := errors.Is(err, io.EOF)
		if err != nil && !atEnd {
			return err
		}
		if size > 0 {
			if err := each(bytes.TrimSuffix(raw, []byte("\n")), size, !atEnd); err != nil {
				return err
			}
		}
		if atEnd {
			return nil
		}
		raw, size = raw[:0], 0
	}
}

// Each reads the files in turn and calls f for each line, broken ones included.
// A file that cannot be read is an error that comes after the others were.
func Each(files []File, f func(Line) error) error {
	var errs []error
	for _, file := range files {
		if err := eachIn(file.Path, f); err != nil {
			var stop stopped
			if errors.As(err, &stop) {
				return stop.error
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// EachRaw is Each for a caller that decodes few of the lines. A line is valid
// until the function returns.
func EachRaw(files []File, f func(raw []byte) error) error {
	var errs []error
	for _, file := range files {
		r, err := open(file.Path)
		if err == nil {
			err = lines(r, func(raw []byte, _ int64, _ bool) error { return f(raw) })
			r.Close()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file.Path, err))
		}
	}
	return errors.Join(errs...)
}

// stopped is an error of the caller's function.
type stopped struct{ error }

func eachIn(path string, f func(Line) error) error {
	r, err := open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	n := 0
	err = lines(r, func(raw []byte, _ int64, _ bool) error {
		n++
		if len(bytes.TrimSpace(raw)) == 0 {
			return nil
		}
		l := Line{File: path, Number: n, Raw: bytes.Clone(raw)}
		l.decode()
		if err := f(l); err != nil {
			return stopped{err}
		}
		return nil
	})
	var stop stopped
	if err != nil && !errors.As(err, &stop) {
		return fmt.Errorf("%s: after line %d: %w", path, n, err)
	}
	return err
}

// Head returns the first line of a file, which names the file whatever becomes of
// it: lines begin with a time in nanoseconds, and rotation, compression and
// copies keep them. It is empty for a file without a whole line.
func Head(path string) ([]byte, error) {
	r, err := open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var head []byte
	err = lines(r, func(raw []byte, _ int64, whole bool) error {
		if whole {
			head = bytes.Clone(raw)
		}
		return errHead
	})
	if err != nil && !errors.Is(err, errHead) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return head, nil
}

// errHead ends a reading after the first line.
var errHead = errors.New("first line read")

// From calls f for each whole line of a file from an offset on, in the
// decompressed content, and returns the offset behind the last of them.
func From(path string, offset int64, f func(Line) error) (int64, error) {
	r, err := open(path)
	if err != nil {
		return offset, err
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, offset); err != nil {
		return offset, fmt.Errorf("%s: skip %d bytes: %w", path, offset, err)
	}
	err = lines(r, func(raw []byte, size int64, whole bool) error {
		if !whole {
			return nil
		}
		offset += size
		if len(bytes.TrimSpace(raw)) == 0 {
			return nil
		}
		l := Line{File: path, Raw: bytes.Clone(raw)}
		l.decode()
		return f(l)
	})
	return offset, err
}

// Last returns the last n lines of the files, in the order of time. Only as many
// files are read as it takes, from the newest of each log backwards.
func Last(files []File, n int) ([]Line, error) {
	var out []Line
	var errs []error
	have := map[string]int{} // lines of each log
	for _, file := range slices.Backward(files) {
		if have[file.Log] >= n {
			continue
		}
		ring := make([]Line, 0, min(n, 1024))
		err := eachIn(file.Path, func(l Line) error {
			if len(ring) == n {
				ring = append(ring[:0], ring[1:]...)
			}
			ring = append(ring, l)
			return nil
		})
		if err != nil {
			errs = append(errs, err)
		}
		have[file.Log] += len(ring)
		out = append(ring, out...)
	}
	ByTime(out)
	return out[max(0, len(out)-n):], errors.Join(errs...)
}

// ByTime sorts lines by their time; a broken one stays behind the line before it
// in its file.
func ByTime(list []Line) {
	type at struct {
		l Line
		n int64
	}
	keyed := make([]at, len(list))
	last := map[string]int64{}
	for i, l := range list {
		n := last[l.File]
		if l.Entry != nil {
			n = l.Entry.Time.UnixNano()
		}
		last[l.File] = n
		keyed[i] = at{l, n}
	}
	slices.SortStableFunc(keyed, func(a, b at) int {
		switch {
		case a.n < b.n:
			return -1
		case a.n > b.n:
			return 1
		}
		return 0
	})
	for i, k := range keyed {
		list[i] = k.l
	}
}
