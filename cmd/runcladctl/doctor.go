// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/ctl/doctor"
	"github.com/runclad/runclad/internal/ctl/text"
)

func doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "doctor",
		GroupID: groupCheck,
		Short:   "Check kernel, runtimes, engines and files of this node",
		Long: `Tries what runclad needs of this node, and reads how its engines are configured:
kernel interfaces, cgroups, the real runtime and others, Docker, containerd,
CRI-O, Podman, idmapped mounts on each filesystem that holds containers,
permissions, space for the audit log, what else confines containers, user IDs,
and the clock.

It changes nothing: what is tried is tried in namespaces of its own. A probe that
could not be made is reported as unknown. The exit status is 1 where there is a
problem.`,
		Args: arguments(0, 0),
	}
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		r := doctor.This().Run()
		if err := answer(cmd, r, r.Print); err != nil {
			return err
		}
		if n := r.Counts[doctor.Problem]; n > 0 {
			return fmt.Errorf("%s", text.Count(n, "problem"))
		}
		return nil
	}
	return cmd
}
