// SPDX-License-Identifier: Apache-2.0

package breakglass

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/internal/record"
)

// fakeLog keeps the lines, or takes none.
type fakeLog struct {
	lines []string
	err   error
}

func (l *fakeLog) Append(line []byte) error {
	if l.err == nil {
		l.lines = append(l.lines, string(line))
	}
	return l.err
}

func recorded(t *testing.T, mode string) (record.Store, record.Record) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "glass-")
	if err != nil {
		t.Fatal(err)
	}
	store, err := record.Open(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		store.Close()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	self, err := record.Self()
	if err != nil {
		t.Fatal(err)
	}
	r := record.Record{
		ID: "c1", Root: "/r", Flavor: "runc", Name: "web", UID: 2001000007, GID: 2001000007, Mode: mode, Block: record.BlockAllowed,
		CreatorPID: self.PID, CreatorStart: self.Start, Created: "2026-01-02T03:04:05Z",
	}
	if err := store.Write(r); err != nil {
		t.Fatal(err)
	}
	return store, r
}

func TestBeginAndEnd(t *testing.T) {
	store, r := recorded(t, record.ModeEnforced)
	log := &fakeLog{}
	g, err := Begin(store, r, Request{For: time.Minute, Reason: " why ", User: "0", Capabilities: []string{"kill", "CAP_KILL", "chown"}}, log)
	if err != nil || g.UID != 0 || g.GID != 0 || strings.Join(g.Capabilities, " ") != "CAP_CHOWN CAP_KILL" || g.Reason != "why" || g.Who == "" {
		t.Fatalf("%v: %+v", err, g)
	}
	if len(log.lines) != 1 || !strings.Contains(log.lines[0], `"decision":"break-glass","verb":"grant"`) || !strings.Contains(log.lines[0], "why (by ") {
		t.Errorf("%q", log.lines)
	}
	if got, err := store.Grant(r, record.Now); err != nil || got.Who != g.Who {
		t.Errorf("%v: %+v", err, got)
	}
	if all, err := List(store); err != nil || len(all) != 1 || all[0].Err != nil {
		t.Errorf("%v: %+v", err, all)
	}
	if err := End(store, r, log); err != nil || len(log.lines) != 2 || !strings.Contains(log.lines[1], `"verb":"end"`) {
		t.Errorf("%v: %q", err, log.lines)
	}
	if all, err := List(store); err != nil || len(all) != 0 {
		t.Errorf("%v: %+v", err, all)
	}
}

// What cannot be written down is not granted; that it cannot be written down does
// not keep it from being taken back.
func TestWithoutLog(t *testing.T) {
	store, r := recorded(t, record.ModeEnforced)
	broken := &fakeLog{err: errors.New("full")}
	if _, err := Begin(store, r, Request{For: time.Minute, Reason: "why", User: "0"}, broken); err == nil {
		t.Error("granted")
	}
	if _, err := store.Grant(r, record.Now); !errors.Is(err, record.ErrNoGrant) {
		t.Error(err)
	}
	if _, err := Begin(store, r, Request{For: time.Minute, Reason: "why", User: "0"}, &fakeLog{}); err != nil {
		t.Fatal(err)
	}
	if err := End(store, r, broken); err == nil {
		t.Error("nobody is told that the log is broken")
	}
	if _, err := store.Grant(r, record.Now); !errors.Is(err, record.ErrNoGrant) {
		t.Error(err)
	}
}

func TestRefuses(t *testing.T) {
	store, r := recorded(t, record.ModeEnforced)
	good := Request{For: time.Minute, Reason: "why", User: "0"}
	change := func(f func(*Request)) Request {
		q := good
		f(&q)
		return q
	}
	for name, q := range map[string]Request{
		"no reason":        change(func(q *Request) { q.Reason = "  " }),
		"no time":          change(func(q *Request) { q.For = 0 }),
		"too long":         change(func(q *Request) { q.For = record.MaxGrant + 1 }),
		"nothing":          change(func(q *Request) { q.User = "" }),
		"a user's name":    change(func(q *Request) { q.User = "root" }),
		"no group":         change(func(q *Request) { q.User = "0:" }),
		"(uid_t)-1":        change(func(q *Request) { q.User = "4294967295" }),
		"every capability": change(func(q *Request) { q.Capabilities = []string{"ALL"} }),
		"unknown":          change(func(q *Request) { q.Capabilities = []string{"CAP_X"} }),
	} {
		if _, err := Begin(store, r, q, &fakeLog{}); err == nil {
			t.Errorf("%s was granted", name)
		}
	}
	if _, err := store.Grant(r, record.Now); !errors.Is(err, record.ErrNoGrant) {
		t.Error(err)
	}
	audited, a := recorded(t, record.ModeAudited)
	if _, err := Begin(audited, a, good, &fakeLog{}); err == nil || !strings.Contains(err.Error(), "is not hardened") {
		t.Error(err)
	}
	gone := r
	gone.CreatorStart++
	if _, err := Begin(store, gone, good, &fakeLog{}); err == nil {
		t.Error("granted for a container that is gone")
	}
}
