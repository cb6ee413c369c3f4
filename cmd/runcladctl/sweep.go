// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/ctl/text"
	"github.com/runclad/runclad/internal/identity"
	"github.com/runclad/runclad/internal/record"
)

func sweepCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "sweep",
		GroupID: groupChange,
		Short:   "Remove what containers that are gone have left",
		Long: `Removes records, claimed user IDs and pods of containers that are gone. Each
create does a part of this, so it is never necessary.`,
		Args: arguments(0, 0),
	}
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		done, err := sweep()
		if err != nil && done == nil {
			return err
		}
		return errors.Join(err, answer(cmd, done, done.print))
	}
	return cmd
}

// swept is what a sweep did, in the words of people: the members of IDs are
// containers, each with its record.
type swept struct {
	Containers int `json:"containers"`
	IDs        int `json:"ids"`
	Records    int `json:"records"`
	Alive      int `json:"alive"`
}

// sweep removes what containers that are gone have left. It can have done a part
// of it and fail.
func sweep() (*swept, error) {
	store, err := record.Open(record.DefaultDir)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	claims, err := identity.Open(store)
	if err != nil {
		return nil, err
	}
	defer claims.Close()
	n, err := claims.Sweep()
	return &swept{Containers: n.Members, IDs: n.IDs, Records: n.Records, Alive: n.Alive}, err
}

func (s *swept) print(out io.Writer) error {
	_, err := fmt.Fprintf(out, "removed: what %s left, %s, %s without a container; %s alive\n",
		text.Count(s.Containers, "container"), text.Count(s.IDs, "user ID"), text.Count(s.Records, "record"), text.Count(s.Alive, "container"))
	return err
}
