// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/audit"
	"github.com/runclad/runclad/internal/ctl/auditlog"
	shim "github.com/runclad/runclad/runtime"
)

const auditFile = shim.AuditFile

// A create's line is about 4 KB: these are about 1,000 and 16,000 of them.
const (
	scarceSpace = 4 << 20
	littleSpace = 64 << 20
)

// log looks at whether lines can be written for a while.
func (h *Host) log(a *area) {
	dir := filepath.Dir(auditFile)
	for { // the folder may not be there yet
		if _, err := os.Stat(dir); err == nil || dir == "/" {
			break
		}
		dir = filepath.Dir(dir)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		a.unknown("space", err)
	} else {
		free := st.Bavail * uint64(st.Bsize)
		const remedy = "make room; without a line no container starts (audit = \"required\")"
		switch {
		case st.Flags&unix.ST_RDONLY != 0:
			a.problem("space", "mount it writable, or set audit = \"best-effort\"", "%s is read-only", dir)
		case free < scarceSpace:
			a.problem("space", remedy, "%s has %d KiB left", dir, free>>10)
		case st.Files > 0 && st.Ffree == 0:
			a.problem("space", remedy, "%s has no inodes left", dir)
		case free < littleSpace:
			a.warn("space", remedy, "%s has %d MiB left", dir, free>>20)
		default:
			a.ok("space", "%s has %d MiB left", dir, free>>20)
		}
	}
	fallback := auditlog.Logs[len(auditlog.Logs)-1]
	switch info, err := os.Stat(fallback); {
	case errors.Is(err, fs.ErrNotExist):
		a.ok("fallback", "not needed since boot")
	case err != nil:
		a.unknown("fallback", err)
	case info.Size() > audit.MaxFallback*9/10:
		a.problem("fallback", "mend the log, then remove "+fallback, "%s holds %d of %d KiB: the log could not be written", fallback, info.Size()>>10, audit.MaxFallback>>10)
	default:
		a.warn("fallback", "see whether the log can be written now; runcladctl audit shows the lines of both", "%s holds %d KiB: the log could not be written at times", fallback, info.Size()>>10)
	}
	const big = 1 << 30
	if info, err := os.Stat(auditFile); err == nil && info.Size() > big {
		if _, err := os.Stat(h.path("/etc/logrotate.d/runclad")); err != nil {
			a.warn("rotation", "runcladctl install --logrotate writes /etc/logrotate.d/runclad", "the log has %d MiB, and nothing rotates it", info.Size()>>20)
		}
	}
}
