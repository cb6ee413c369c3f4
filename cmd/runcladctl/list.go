// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/ctl/text"
	"github.com/runclad/runclad/internal/record"
)

func records() ([]record.Record, error) {
	store, err := record.Open(record.DefaultDir)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	return store.List()
}

func listCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		GroupID: groupSee,
		Short:   "List the containers that were created through runclad",
		Long: `Lists the records of containers that were created through runclad, those that
are gone and not yet swept included. status says how they are now.`,
		Args: arguments(0, 0),
	}
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		all, err := records()
		if err != nil {
			return err
		}
		return answer(cmd, append([]record.Record{}, all...), func(out io.Writer) error { return list(out, all) })
	}
	return cmd
}

// list prints the containers of this node that runclad created.
func list(out io.Writer, all []record.Record) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CONTAINER\tENGINE\tNAMESPACE\tPOD\tNAME\tIMAGE\tUID\tMETADATA\tALIVE")
	for _, r := range all {
		alive := "yes"
		if ok, err := r.Alive(); err != nil {
			alive = "unknown"
		} else if !ok {
			alive = "no"
		}
		fmt.Fprintf(w, "%.12s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", r.ID, r.Engine, text.Or(r.Namespace, "-"), text.Short(text.Or(r.Pod, "-")), text.Short(text.Or(r.Name, "-")), text.Short(text.Or(r.Image, "-")), r.UID, r.Block, alive)
	}
	return w.Flush()
}
