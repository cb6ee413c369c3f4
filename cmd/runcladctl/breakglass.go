// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/audit"
	"github.com/runclad/runclad/internal/ctl/breakglass"
	"github.com/runclad/runclad/internal/ctl/text"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/runtime"
)

func breakGlassCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "break-glass CONTAINER --for TIME --reason TEXT",
		GroupID: groupChange,
		Short:   "Let exec into one container have more privilege, for a time",
		Long: `Lets every exec into one container, for up to 8 hours, run as the given user and
with the given capabilities. Each is written to the audit log, with the reason and
who granted it. It ends with its time (on the wall clock and on one that nobody
can set), with --end, and with the container.

What it does not give: the container's system call filter stays, so that calls
which belong to a capability may be refused all the same; no_new_privs stays; the
root filesystem stays read-only; the main process stays as it is.`,
		Example: `  runcladctl break-glass web --for 10m --reason "INC-4711: read the heap dump" \
      --user 0 --capability DAC_READ_SEARCH
  docker exec web cat /srv/dump
  runcladctl break-glass --end web`,
		Args:              arguments(1, 1),
		ValidArgsFunction: completeContainers,
	}
	var q breakglass.Request
	fs := cmd.Flags()
	fs.DurationVar(&q.For, "for", 0, "how long, up to 8h: `TIME` as 90s, 10m, 2h")
	fs.StringVar(&q.Reason, "reason", "", "why; it stands in the audit log")
	fs.StringSliceVar(&q.Capabilities, "capability", nil, "a `CAPABILITY` that processes get; can be repeated")
	fs.StringVar(&q.User, "user", "", "whom processes run as: `UID` or UID:GID (default: the container's own)")
	end := fs.Bool("end", false, "take back what was granted")
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *end {
			if q.For != 0 || q.Reason != "" || q.User != "" || len(q.Capabilities) > 0 {
				return usage(cmd, "--end stands alone")
			}
			return endGlass(cmd, args[0])
		}
		if q.For == 0 || q.Reason == "" {
			return usage(cmd, "--for and --reason are needed")
		}
		return breakGlass(cmd, args[0], q)
	}
	cmd.AddCommand(breakGlassListCommand())
	return cmd
}

// withContainer calls f with the run state and the record of one container.
func withContainer(name string, f func(record.Store, record.Record) error) error {
	if os.Geteuid() != 0 {
		return errors.New("only root can grant more privilege, or end it")
	}
	r, err := mustRecord(name)
	if err != nil {
		return err
	}
	store, err := record.Open(record.DefaultDir)
	if err != nil {
		return err
	}
	defer store.Close()
	return f(store, *r)
}

func auditLog() audit.Log {
	return audit.Log{File: runtime.AuditFile, Fallback: record.DefaultDir + "/audit.jsonl"}
}

func breakGlass(cmd *cobra.Command, name string, q breakglass.Request) error {
	return withContainer(name, func(store record.Store, r record.Record) error {
		g, err := breakglass.Begin(store, r, q, auditLog())
		if err != nil {
			return err
		}
		return answer(cmd, grantOf(breakglass.Listed{Record: r, Grant: g}), func(out io.Writer) error {
			_, err := fmt.Fprintf(out, `Until %s exec into %s runs as %s.
Its system call filter and no_new_privs still hold, and its root filesystem is read-only.
To end it: runcladctl break-glass --end %.12s
`, g.Until.Format(time.RFC3339), r.ID, breakglass.What(&g), r.ID)
			return err
		})
	})
}

func endGlass(cmd *cobra.Command, name string) error {
	return withContainer(name, func(store record.Store, r record.Record) error {
		if err := breakglass.End(store, r, auditLog()); err != nil {
			return err
		}
		return answer(cmd, map[string]string{"ended": r.ID}, func(out io.Writer) error {
			_, err := fmt.Fprintf(out, "Ended: exec into %s gets what the container has.\n", r.ID)
			return err
		})
	})
}

func breakGlassListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what is granted",
		Args:  arguments(0, 0),
	}
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		all, err := grants()
		if err != nil {
			return err
		}
		views := []grantView{}
		for _, l := range all {
			views = append(views, grantOf(l))
		}
		return answer(cmd, views, func(out io.Writer) error { return listGlass(out, all) })
	}
	return cmd
}

// grantView is a grant as JSON has it.
type grantView struct {
	Container    string    `json:"container"`
	Name         string    `json:"name,omitempty"`
	UID          uint32    `json:"uid"`
	GID          uint32    `json:"gid"`
	Capabilities []string  `json:"capabilities,omitempty"`
	Reason       string    `json:"reason"`
	Who          string    `json:"who"`
	From         time.Time `json:"from"`
	Until        time.Time `json:"until"`
	// Void says why it gives nothing.
	Void string `json:"void,omitempty"`
}

func grantOf(l breakglass.Listed) grantView {
	g := l.Grant
	v := grantView{l.Record.ID, l.Record.Name, g.UID, g.GID, g.Capabilities, g.Reason, g.Who, g.From, g.Until, ""}
	if l.Err != nil {
		v.Void = l.Err.Error()
	}
	return v
}

func grants() ([]breakglass.Listed, error) {
	store, err := record.Open(record.DefaultDir)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	return breakglass.List(store)
}

func listGlass(out io.Writer, all []breakglass.Listed) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CONTAINER\tNAME\tUNTIL\tGIVES\tBY\tREASON")
	for _, l := range all {
		if l.Err != nil {
			fmt.Fprintf(w, "%.12s\t%s\t-\tnothing\t-\t%s\n", l.Record.ID, text.Or(l.Record.Name, "-"), text.Clean(l.Err.Error()))
			continue
		}
		fmt.Fprintf(w, "%.12s\t%s\t%s\t%s\t%s\t%s\n", l.Record.ID, text.Or(l.Record.Name, "-"), l.Grant.Until.Format(time.RFC3339),
			breakglass.What(&l.Grant), text.Clean(l.Grant.Who), text.Clean(l.Grant.Reason))
	}
	return w.Flush()
}
