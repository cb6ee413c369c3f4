// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/record"
)

// Node says where things are.
type Node struct {
	Records string   // the run state
	Logs    []string // the audit log and its fallback
}

// This is this node.
var This = Node{Records: record.DefaultDir, Logs: auditlog.Logs}

// records lists the records. A node without a run state has none; it is not
// made for looking at it.
func (n Node) records() ([]record.Record, error) {
	if _, err := os.Lstat(n.Records); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	store, err := record.Open(n.Records)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	return store.List()
}

// Containers lists the containers of this node: those that runclad recorded, those
// for which a runtime has state, and those whose process an engine's monitor
// watches over, with what the audit log says of their
// creation. The error says what could not be read; what could is returned with
// it.
func (n Node) Containers() ([]*Container, error) { return n.find(n.lines) }

// ContainersKnowing is Containers for a caller that has read the log already:
// lines are those about creations, by container.
func (n Node) ContainersKnowing(lines map[string]*auditlog.Entry) ([]*Container, error) {
	return n.find(func(list []*Container) error {
		for _, c := range list {
			c.Line = lines[c.ID]
		}
		return nil
	})
}

func (n Node) find(lines func([]*Container) error) ([]*Container, error) {
	before := monitoredProcesses()
	records, err := n.records()
	errs := []error{err}
	var out []*Container
	known := map[[2]string]bool{}
	for i := range records {
		r := &records[i]
		known[[2]string{r.Root, r.ID}] = true
		out = append(out, &Container{ID: r.ID, Root: r.Root, Flavor: r.Flavor, Record: r})
	}
	for _, root := range roots(records, Daemons()) {
		states, err := statesIn(root)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		for id, flavor := range states {
			if !known[[2]string{root, id}] {
				out = append(out, &Container{ID: id, Root: root, Flavor: flavor})
			}
		}
	}
	for _, c := range out {
		c.look()
	}
	// Seen and gone again in between.
	out = slices.DeleteFunc(out, func(c *Container) bool { return c.Record == nil && c.State == Gone })
	out = append(out, strays(before, out)...)
	errs = append(errs, lines(out))
	for _, c := range out {
		c.decide()
	}
	slices.SortFunc(out, func(a, b *Container) int {
		return cmp.Or(cmp.Compare(a.Engine, b.Engine), cmp.Compare(a.Title(), b.Title()), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Root, b.Root))
	})
	return out, errors.Join(errs...)
}

// lines finds the last line about each container's creation. Files that were
// written to last before the oldest of them was created are not read.
func (n Node) lines(list []*Container) error {
	byID := map[string][]*Container{}
	var oldest time.Time
	for _, c := range list {
		byID[c.ID] = append(byID[c.ID], c)
		if made := c.created(); oldest.IsZero() || made.Before(oldest) {
			oldest = made
		}
	}
	if len(list) == 0 {
		return nil
	}
	files, err := auditlog.Files(n.Logs...)
	if err != nil {
		return err
	}
	files = slices.DeleteFunc(files, func(f auditlog.File) bool { return f.Modified.Before(oldest) })
	return auditlog.EachRaw(files, func(raw []byte) error {
		id, ok := containerOf(raw)
		if !ok || byID[string(id)] == nil {
			return nil
		}
		// A broken line is not about anybody; audit search reports it.
		if e, err := auditlog.Parse(raw); err == nil && e.Creates() && e.Passed() {
			for _, c := range byID[e.Container] {
				if c.Line == nil || !e.Time.Before(c.Line.Time) {
					c.Line = e
				}
			}
		}
		return nil
	})
}

// created is a time before which the container was not there: that of its
// record, or of the runtime's state; zero if neither says.
func (c *Container) created() time.Time {
	text := c.made
	if c.Record != nil {
		text = c.Record.Created
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return t.Add(-clockSlack)
}

// clockSlack is how long before the runtime writes its state the shim may have
// written its line.
const clockSlack = time.Minute

// containerOf finds the ID in a line without decoding it all: the log may hold a
// million.
func containerOf(raw []byte) ([]byte, bool) {
	const key = `"container":"`
	i := bytes.Index(raw, []byte(key))
	if i < 0 {
		return nil, false
	}
	rest := raw[i+len(key):]
	j := bytes.IndexByte(rest, '"')
	return rest[:max(j, 0)], j > 0
}
