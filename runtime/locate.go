// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/argv"
)

// RuntimeLink is a symbolic link to the real runtime. It is a link and no
// policy key, since the commands that stop a container must find the runtime
// without reading anything that can be broken.
const RuntimeLink = "/etc/runclad/runtime"

// runtimePaths are tried in order where there is no RuntimeLink.
var runtimePaths = [...]string{
	"/usr/local/sbin/runc", "/usr/local/bin/runc", "/usr/sbin/runc", "/usr/bin/runc",
	"/usr/local/bin/crun", "/usr/bin/crun",
}

// target is the real runtime.
type target struct {
	path   string
	flavor argv.Flavor
}

// locate finds the real runtime, and tells its command line by its name.
func locate() (target, error) {
	if _, err := os.Lstat(RuntimeLink); err == nil {
		real, err := filepath.EvalSymlinks(RuntimeLink)
		if err != nil {
			return target{}, fmt.Errorf("%s leads nowhere: %w", RuntimeLink, err)
		}
		return targetAt(real)
	}
	for _, p := range runtimePaths {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			return targetAt(real)
		}
	}
	return target{}, fmt.Errorf("no OCI runtime at %s; install runc, or make %s a link to it", strings.Join(runtimePaths[:], ", "), RuntimeLink)
}

func targetAt(p string) (target, error) {
	var self, other unix.Stat_t
	if err := errors.Join(unix.Stat("/proc/self/exe", &self), unix.Stat(p, &other)); err != nil {
		return target{}, &os.PathError{Op: "stat runtime", Path: p, Err: err}
	}
	if self.Dev == other.Dev && self.Ino == other.Ino {
		return target{}, fmt.Errorf("%s is runclad itself; make %s a link to the real runtime", p, RuntimeLink)
	}
	switch name := path.Base(p); {
	case strings.Contains(name, "crun"):
		return target{p, argv.Crun}, nil
	case strings.Contains(name, "runc"):
		return target{p, argv.Runc}, nil
	default:
		return target{}, fmt.Errorf("the runtime %s is neither runc nor crun by its name: its command line is not known", p)
	}
}
