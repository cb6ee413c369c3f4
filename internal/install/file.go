// SPDX-License-Identifier: Apache-2.0

package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// read returns a file's content, nil if there is none.
func read(file string) ([]byte, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if b == nil {
		b = []byte{}
	}
	return b, err
}

// notLink refuses a symbolic link: rename(2) would replace it, and leave the
// file that it leads to as it is.
func notLink(file string) error {
	if fi, err := os.Lstat(file); err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("%s is a symbolic link: make the change where it leads", file)
	}
	return nil
}

// replace writes beside the file and renames: whoever reads it sees the old or
// the new one whole, and a program that runs keeps the file it was started
// from. Owner and mode stay what they were.
func replace(e edit) (err error) {
	if err := os.MkdirAll(filepath.Dir(e.file), 0o755); err != nil {
		return err
	}
	mode, uid, gid := e.mode, -1, -1
	if mode == 0 {
		mode = 0o644
	}
	var st unix.Stat_t
	switch err := unix.Lstat(e.file, &st); {
	case err == nil:
		uid, gid = int(st.Uid), int(st.Gid)
		if !e.program {
			mode = fs.FileMode(st.Mode & 0o7777)
		}
	case !errors.Is(err, unix.ENOENT):
		return fmt.Errorf("stat %s: %w", e.file, err)
	}
	tmp := e.file + ".runclad-tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := write(tmp, e.data, mode, uid, gid); err != nil {
		return err
	}
	if err := os.Rename(tmp, e.file); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return nil
}

// write makes a new file.
func write(name string, data []byte, mode fs.FileMode, uid, gid int) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && uid >= 0 {
		err = f.Chown(uid, gid)
	}
	if err == nil {
		err = f.Chmod(mode) // after chown(2), which takes set-ID bits away
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// backup keeps a copy of a file beside it, with its owner and mode.
func backup(file string, data []byte, stamp string) (string, error) {
	var st unix.Stat_t
	if err := unix.Lstat(file, &st); err != nil {
		return "", fmt.Errorf("stat %s: %w", file, err)
	}
	name := file + ".runclad-backup-" + stamp
	for n := 1; ; n++ {
		err := write(name, data, fs.FileMode(st.Mode&0o7777), int(st.Uid), int(st.Gid))
		if !errors.Is(err, fs.ErrExist) {
			return name, err
		}
		name = fmt.Sprintf("%s.runclad-backup-%s-%d", file, stamp, n)
	}
}

// backups are the copies beside a file, the newest first.
func backups(file string) []string {
	names, _ := filepath.Glob(file + ".runclad-backup-*") // the pattern is a good one
	slices.Sort(names)
	slices.Reverse(names)
	return names
}
