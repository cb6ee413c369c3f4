// SPDX-License-Identifier: Apache-2.0

// Command runcladctl is the operator's tool. What the shim must not carry lives
// here.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/runclad/runclad/internal/identity"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/runtime"
)

const usage = `usage: runcladctl COMMAND

  list             the containers of this node that runclad created
  show CONTAINER   the record of one, as JSON
  sweep            remove what containers that are gone have left
  check [FILE]     check a policy file; name what it loosens
  version          print the version
`

func main() {
	err := run(os.Args[1:], os.Stdout)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "runcladctl:", err)
	if errors.Is(err, errUsage) {
		os.Exit(2)
	}
	os.Exit(1)
}

var errUsage = errors.New(usage)

func run(args []string, out io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	switch command, rest := args[0], args[1:]; {
	case command == "list" && len(rest) == 0:
		return list(out)
	case command == "show" && len(rest) == 1:
		return show(out, rest[0])
	case command == "sweep" && len(rest) == 0:
		return sweep(out)
	case command == "check" && len(rest) <= 1:
		return check(out, append(rest, policy.File)[0])
	case command == "version" && len(rest) == 0:
		_, err := fmt.Fprintln(out, "runcladctl version", runtime.Version)
		return err
	}
	return errUsage
}

func records() ([]record.Record, error) {
	store, err := record.Open(record.DefaultDir)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	return store.List()
}

func list(out io.Writer) error {
	all, err := records()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CONTAINER\tENGINE\tNAMESPACE\tPOD\tNAME\tIMAGE\tUID\tMETADATA\tALIVE")
	for _, r := range all {
		alive := "yes"
		if ok, err := r.Alive(); err != nil {
			alive = "unknown"
		} else if !ok {
			alive = "no"
		}
		fmt.Fprintf(w, "%.12s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", r.ID, r.Engine, dash(r.Namespace), dash(r.Pod), dash(r.Name), dash(r.Image), r.UID, r.Block, alive)
	}
	return w.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// show finds a container by its ID or an unambiguous beginning of it.
func show(out io.Writer, id string) error {
	all, err := records()
	if err != nil {
		return err
	}
	var found []record.Record
	for _, r := range all {
		if len(id) > 0 && len(r.ID) >= len(id) && r.ID[:len(id)] == id {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		return fmt.Errorf("%d containers begin with %q", len(found), id)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(found[0])
}

func sweep(out io.Writer) error {
	store, err := record.Open(record.DefaultDir)
	if err != nil {
		return err
	}
	defer store.Close()
	claims, err := identity.Open(store)
	if err != nil {
		return err
	}
	defer claims.Close()
	swept, err := claims.Sweep()
	fmt.Fprintf(out, "%+v\n", swept)
	return err
}

func check(out io.Writer, file string) error {
	p, err := policy.Load(file)
	if err != nil {
		return err
	}
	if p.Source == "" {
		_, err := fmt.Fprintf(out, "%s is absent: the built-in defaults hold\n", file)
		return err
	}
	fmt.Fprintf(out, "%s is good\n", file)
	for _, w := range p.Profile().Warnings() {
		fmt.Fprintln(out, "loosens:", w)
	}
	return nil
}
