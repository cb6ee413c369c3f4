// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/runclad/runclad/internal/prelude"
	shim "github.com/runclad/runclad/runtime"
)

// patience is how long a program may take to print its version.
const patience = 20 * time.Second

// call runs a program of the host and returns what it printed.
func call(program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && len(exit.Stderr) > 0 {
			err = fmt.Errorf("%w: %s", err, firstLine(string(exit.Stderr)))
		}
		return "", fmt.Errorf("%s %s: %w", program, strings.Join(args, " "), err)
	}
	return string(out), nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// program finds a program as a daemon would, whose path has the sbin folders.
func program(names ...string) string {
	for _, name := range names {
		for _, dir := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
			p := filepath.Join(dir, name)
			if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return p
			}
		}
	}
	return ""
}

// runtime looks at the one that runclad hands off to, then at the others.
func (h *Host) runtime(a *area) {
	path, flavor, err := shim.Find()
	if err != nil {
		a.problem("real runtime", "install runc, or make "+prelude.Link+" a link to it", "%v", err)
	} else {
		how := "the first of the usual places"
		if _, err := os.Lstat(prelude.Link); err == nil {
			how = "the link " + prelude.Link
		}
		if filepath.Base(path) != "runclad" && h.isShim(path) {
			a.problem("real runtime", "make "+prelude.Link+" a link to runc or crun", "%s (%s) is runclad itself", path, how)
		} else if version, err := call(path, "--version"); err != nil {
			a.problem("real runtime", "install a runtime that works", "%v", err)
		} else {
			a.ok("real runtime", "%s, a %s, by %s: %s", path, flavor, how, firstLine(version))
			h.features(a, path)
		}
		h.writable(a, "real runtime's file", path)
	}
	for _, name := range []string{"runc", "crun", "youki", "kata-runtime", "runsc"} {
		other := program(name)
		if real, err := filepath.EvalSymlinks(other); other == "" || err != nil || real == path {
			continue
		}
		version, err := call(other, "--version")
		if err != nil {
			a.warn("other runtime", "", "%s is there and does not answer: %v", other, err)
			continue
		}
		a.ok("other runtime", "%s: %s", other, firstLine(version))
	}
}

// features asks the runtime what it can do (OCI features.md); runc before 1.1
// and crun before 1.8.6 do not know the question.
func (h *Host) features(a *area, path string) {
	out, err := call(path, "features")
	if err != nil {
		a.warn("features", "nothing to do; runc 1.1 and crun 1.8.6 answer", "the runtime does not say what it can do")
		return
	}
	var f struct {
		OCIVersionMax string `json:"ociVersionMax"`
		Linux         struct {
			Seccomp struct {
				Enabled *bool `json:"enabled"`
			} `json:"seccomp"`
		} `json:"linux"`
	}
	if err := json.Unmarshal([]byte(out), &f); err != nil {
		a.unknown("features", err)
		return
	}
	if on := f.Linux.Seccomp.Enabled; on != nil && !*on {
		a.problem("features", "install a runtime that was built with seccomp", "the runtime was built without seccomp: every container fails")
		return
	}
	a.ok("features", "OCI %s, seccomp", f.OCIVersionMax)
}

// writable checks that nobody but root can change a file that root executes, or
// replace it.
func (h *Host) writable(a *area, check, path string) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			a.problem(check, "install it", "%s is missing", path)
			return
		}
		a.unknown(check, err)
		return
	}
	if loose, err := looseOwner(real); err != nil {
		a.unknown(check, err)
	} else if loose != "" {
		a.problem(check, "chown root:root and chmod go-w it", "%s", loose)
	} else {
		a.ok(check, "%s: only root can change it", real)
	}
}
