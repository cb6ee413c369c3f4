// SPDX-License-Identifier: Apache-2.0

package install

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// Options say what [Install] and [Uninstall] do.
type Options struct {
	Root   string // work on the tree below it; "" for the node itself
	Prefix string // the programs are in Prefix/bin
	From   string // folder to install the programs from (bin/, docs/man/); "" when they are there

	Docker, Containerd, Podman, CRIO bool
	Default                          bool // for every container, not only for those that ask
	Policy, Logrotate                bool

	DryRun       bool
	Force        bool // take back although containers depend on it
	KeepPrograms bool // leave the programs in place
	Programs     Programs
}

// Programs are the engines' own, which read what is written for them: names to
// look up in PATH, or paths.
type Programs struct{ Dockerd, Containerd, Podman, CRIO string }

// plain is what may stand in JSON, TOML and a shell line as it is.
var plain = regexp.MustCompile(`^/[A-Za-z0-9/._+-]*$`)

func (o *Options) check() error {
	if !plain.MatchString(o.Prefix) {
		return fmt.Errorf("--prefix %s is not an absolute path of letters, digits and ._+-/", o.Prefix)
	}
	o.Prefix = filepath.Clean(o.Prefix)
	if o.Root != "" {
		abs, err := filepath.Abs(o.Root)
		if err != nil {
			return err
		}
		fi, err := os.Stat(abs)
		if err != nil {
			return fmt.Errorf("--root: %w", err)
		}
		if !fi.IsDir() {
			return fmt.Errorf("--root %s is not a directory", o.Root)
		}
		if o.Root = abs; abs == "/" {
			o.Root = ""
		}
	}
	if o.Root == "" && !o.DryRun && os.Geteuid() != 0 {
		return errors.New("needs root (or --root DIR, or --dry-run)")
	}
	if o.Default && !o.Docker && !o.Containerd && !o.CRIO {
		return errors.New("--default-runtime goes with --docker, --containerd or --crio")
	}
	return nil
}

// at is a path of the node in the tree that is worked on.
func (o *Options) at(path string) string { return filepath.Join(o.Root, path) }

// shim is the program as the engines are told.
func (o *Options) shim() string { return filepath.Join(o.Prefix, "bin/runclad") }
