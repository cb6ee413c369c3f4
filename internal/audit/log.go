// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// Log is where lines go.
type Log struct {
	// File is the audit log; its directory is made if it is missing.
	File string
	// Fallback takes lines while File cannot be written, up to MaxFallback
	// bytes in all.
	Fallback string
}

// MaxFallback bounds the fallback, which lies in memory.
const MaxFallback = 4 << 20

// Append writes one line to the log, or to the fallback if the log takes none.
// The error is that of both.
func (l Log) Append(line []byte) error {
	err := appendLine(l.File, line, 0)
	if err == nil {
		return nil
	}
	if errFallback := appendLine(l.Fallback, line, MaxFallback); errFallback != nil {
		return errors.Join(err, errFallback)
	}
	return nil
}

// appendLine appends in one write, or not at all: what a full disk cut off is
// taken back as far as possible, so that no half line stays.
func appendLine(file string, line []byte, limit int64) error {
	fd, err := open(file)
	if errors.Is(err, unix.ENOENT) {
		if err := os.MkdirAll(path.Dir(file), 0o700); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		fd, err = open(file)
	}
	if err != nil {
		return &os.PathError{Op: "audit: open", Path: file, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &os.PathError{Op: "audit: stat", Path: file, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fmt.Errorf("audit: %s is not a regular file", file)
	}
	if limit > 0 && st.Size+int64(len(line)) > limit {
		return fmt.Errorf("audit: %s is full (%d bytes)", file, limit)
	}
	n, err := unix.Write(fd, line)
	if err == nil && n < len(line) {
		err = unix.ENOSPC
		if end, errSeek := unix.Seek(fd, 0, unix.SEEK_CUR); errSeek == nil {
			_ = unix.Ftruncate(fd, end-int64(n))
		}
	}
	if err != nil {
		return &os.PathError{Op: "audit: write", Path: file, Err: err}
	}
	return nil
}

// open refuses links and does not hang on a FIFO.
func open(file string) (int, error) {
	return unix.Open(file, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
}
