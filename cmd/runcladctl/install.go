// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/install"
)

// installCommand names runclad to the engines of this node.
func installCommand() *cobra.Command {
	var o install.Options
	c := &cobra.Command{
		Use:     "install",
		GroupID: groupChange,
		Short:   "Name runclad to the engines of this node",
		Long: `Name runclad to the engines of this node: each file is changed only after the
engine's own program has read the new content, with a copy of the old one beside
it, and no daemon is restarted. Without --docker, --containerd, --podman or
--crio the lines are printed for every engine found here.

The engines' programs are found in PATH; the variables DOCKERD, CONTAINERD,
PODMAN and CRIO name others.`,
		Args: arguments(0, 0),
	}
	f := c.Flags()
	f.BoolVar(&o.Docker, "docker", false, "change /etc/docker/daemon.json")
	f.BoolVar(&o.Containerd, "containerd", false, "change /etc/containerd/config.toml, or write a drop-in that it imports")
	f.BoolVar(&o.Podman, "podman", false, "write /etc/containers/containers.conf.d/runclad.conf")
	f.BoolVar(&o.CRIO, "crio", false, "write /etc/crio/crio.conf.d/90-runclad.conf")
	f.BoolVar(&o.Default, "default-runtime", false, "with --docker, --containerd or --crio: for every container")
	f.BoolVar(&o.Policy, "policy", false, "write /etc/runclad/policy.toml if there is none; it holds the built-in defaults")
	f.BoolVar(&o.Logrotate, "logrotate", false, "write /etc/logrotate.d/runclad")
	f.StringVar(&o.From, "from", "", "install the programs and their manual from this `FOLDER`, which has bin/ and docs/man/")
	installFlags(c, &o, install.Install)
	return c
}

// uninstallCommand takes back what installCommand did.
func uninstallCommand() *cobra.Command {
	var o install.Options
	var check bool
	c := &cobra.Command{
		Use:     "uninstall",
		GroupID: groupChange,
		Short:   "Take runclad back from the engines of this node, and remove it",
		Long: `Take back what install did, byte for byte unless a file was edited since. The
policy and the audit log stay. While containers depend on runclad, which their
engines stop and remove them through, nothing is done.`,
		Args: arguments(0, 0),
	}
	f := c.Flags()
	f.BoolVar(&o.Force, "force", false, "go on although containers depend on runclad; then the programs stay")
	f.BoolVar(&o.KeepPrograms, "keep-binary", false, "leave the programs in place; then containers may depend on them")
	f.BoolVar(&check, "check", false, "change nothing; say what depends on runclad and fail if anything does")
	installFlags(c, &o, func(o install.Options, report func(install.Event)) error {
		if check {
			return install.Check(o, report)
		}
		return install.Uninstall(o, report)
	})
	return c
}

// installFlags adds what the two have in common.
func installFlags(c *cobra.Command, o *install.Options, do func(install.Options, func(install.Event)) error) {
	f := c.Flags()
	f.BoolVar(&o.DryRun, "dry-run", false, "change nothing, print the difference")
	f.StringVar(&o.Prefix, "prefix", ownPrefix(), "the programs are in `FOLDER`/bin")
	f.StringVar(&o.Root, "root", "", "work on the tree below `FOLDER`")
	jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		o.Programs = install.Programs{
			Dockerd:    cmp.Or(os.Getenv("DOCKERD"), "dockerd"),
			Containerd: cmp.Or(os.Getenv("CONTAINERD"), "containerd"),
			Podman:     cmp.Or(os.Getenv("PODMAN"), "podman"),
			CRIO:       cmp.Or(os.Getenv("CRIO"), "crio"),
		}
		events := []install.Event{}
		err := do(*o, func(e install.Event) {
			if events = append(events, e); !asJSON(c) {
				install.Print(c.OutOrStdout(), e)
			}
		})
		if asJSON(c) {
			err = errors.Join(err, writeJSON(c.OutOrStdout(), events))
		}
		return err
	}
}

// ownPrefix is where a package put this program, else /usr/local.
func ownPrefix() string {
	if self, err := os.Executable(); err == nil && filepath.Dir(self) == "/usr/bin" {
		return "/usr"
	}
	return "/usr/local"
}
