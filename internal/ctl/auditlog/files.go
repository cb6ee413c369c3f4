// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/runtime"
)

// Logs are this node's: the log, and the fallback.
var Logs = []string{runtime.AuditFile, record.DefaultDir + "/audit.jsonl"}

// File is one file of a log.
type File struct {
	Path     string
	Modified time.Time
	// Log is the log of which it is a part: Path itself, unless it was rotated.
	Log string
}

// Files returns the files of the given logs, those that were rotated away
// included, the oldest first. A log that does not exist has none.
func Files(logs ...string) ([]File, error) {
	var out []File
	for _, log := range logs {
		entries, err := os.ReadDir(filepath.Dir(log))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !belongs(filepath.Base(log), e.Name()) {
				continue
			}
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue // rotated away just now, under a name that comes or came too
			}
			if err != nil {
				return nil, err
			}
			if info.Mode().IsRegular() {
				out = append(out, File{Path: filepath.Join(filepath.Dir(log), e.Name()), Modified: info.ModTime(), Log: log})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b File) int {
		return cmp.Or(a.Modified.Compare(b.Modified), cmp.Compare(generation(b.Path), generation(a.Path)), cmp.Compare(a.Path, b.Path))
	})
	return out, nil
}

// belongs knows the names that logrotate(8) gives: log.1, log.2.gz, and with
// dateext log-20261122 and log-20261122.gz.
func belongs(log, name string) bool {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(name, ".gz"), log)
	if !ok {
		return false
	}
	if rest == "" {
		return true
	}
	return (rest[0] == '.' || rest[0] == '-') && strings.Trim(rest[1:], "0123456789-.") == "" && len(rest) > 1
}

// generation is the number that logrotate counts up, 0 for the log itself.
func generation(path string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(filepath.Ext(strings.TrimSuffix(path, ".gz")), "."))
	if err != nil {
		return 0
	}
	return n
}

// open opens a file of the log, decompressed. It refuses what is no regular file
// and does not hang on a FIFO.
func open(path string) (io.ReadCloser, error) {
	f, err := os.OpenFile(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	if !strings.HasSuffix(path, ".gz") {
		return f, nil
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &compressed{z, f}, nil
}

type compressed struct {
	*gzip.Reader
	file *os.File
}

func (c *compressed) Close() error { return errors.Join(c.Reader.Close(), c.file.Close()) }
