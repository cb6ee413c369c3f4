// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
)

// looseOwner says who else than root could change a file or put another in its
// place, "" if nobody.
func looseOwner(path string) (string, error) {
	for p := path; ; p = filepath.Dir(p) {
		info, err := os.Lstat(p)
		if err != nil {
			return "", err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return "", fmt.Errorf("%s: its owner cannot be told", p)
		}
		if st.Uid != 0 {
			return fmt.Sprintf("%s belongs to UID %d", p, st.Uid), nil
		}
		sticky := info.IsDir() && info.Mode()&fs.ModeSticky != 0 && p != path
		if info.Mode()&fs.ModeSymlink == 0 && info.Mode().Perm()&0o022 != 0 && !sticky {
			return fmt.Sprintf("%s is writable by others than root (mode %04o)", p, info.Mode().Perm()), nil
		}
		if p == "/" {
			return "", nil
		}
	}
}

// files looks at what runclad is made of and what it keeps.
func (h *Host) files(a *area) {
	if os.Geteuid() != 0 {
		a.warn("rights", "run runcladctl doctor as root", "this is not root: much cannot be tried")
	}
	if h.Shim == "" {
		a.problem("runclad", "install a package, or call install.sh in the source", "runclad is not in any of the usual places")
	} else {
		h.writable(a, "runclad", h.Shim)
		noexec(a, h.Shim)
	}
	h.private(a, "records", record.DefaultDir, true)
	h.private(a, "log folder", filepath.Dir(auditFile), true)
	h.private(a, "log", auditFile, false)
	if _, err := os.Lstat(filepath.Dir(policy.System.File)); err == nil {
		h.writable(a, "policy folder", filepath.Dir(policy.System.File))
	}
}

// noexec: an engine cannot execute what is on such a mount.
func noexec(a *area, path string) {
	var st unix.Statfs_t
	switch err := unix.Statfs(path, &st); {
	case err != nil:
		a.unknown("runclad's mount", err)
	case st.Flags&unix.ST_NOEXEC != 0:
		a.problem("runclad's mount", "mount it without noexec, or install runclad elsewhere", "%s is on a mount with noexec: no engine can execute it", path)
	}
}

// private checks that a file or folder is root's alone. One that is absent is
// made with the right mode when it is needed.
func (h *Host) private(a *area, check, path string, dir bool) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		a.ok(check, "%s is made when it is needed", path)
		return
	case err != nil:
		a.unknown(check, err)
		return
	case dir != info.IsDir() || !dir && !info.Mode().IsRegular():
		a.problem(check, "move it away", "%s is something else than it should be: %s", path, info.Mode())
		return
	}
	loose, err := looseOwner(path)
	switch {
	case err != nil:
		a.unknown(check, err)
	case loose != "":
		a.problem(check, "chown root:root "+path+"; chmod go-rwx "+path, "%s", loose)
	case info.Mode().Perm()&0o077 != 0 && path == record.DefaultDir:
		a.problem(check, "chmod 0700 "+path, "%s has mode %04o: runclad refuses to trust it", path, info.Mode().Perm())
	case info.Mode().Perm()&0o077 != 0:
		a.warn(check, "chmod go-rwx "+path, "%s can be read by others (mode %04o)", path, info.Mode().Perm())
	default:
		a.ok(check, "%s is root's alone", path)
	}
}

// policy loads it as the shim does.
func (h *Host) policy(a *area) {
	p, err := policy.System.Read()
	if err != nil {
		a.problem("policy", "mend the file; until then no container starts", "%v", err)
		return
	}
	if len(p.Files) == 0 {
		a.ok("policy", "%s is absent: the built-in defaults hold", policy.System.File)
		return
	}
	a.ok("policy", "%s is good", p.Source())
}
