// SPDX-License-Identifier: Apache-2.0

package record

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/internal/record/rundir"
)

var clock = Clocks{Wall: time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC), Boot: 1000 * time.Hour, BootID: "b1"}

func at(c Clocks) func() (Clocks, error) { return func() (Clocks, error) { return c, nil } }

func granted(t *testing.T) (Store, Record, Grant) {
	t.Helper()
	s := open(t)
	r := sample("/r", "c1", self(t))
	if err := s.Write(r); err != nil {
		t.Fatal(err)
	}
	g := Grant{Capabilities: []string{"CAP_DAC_READ_SEARCH"}, Reason: "look at a core \"file\"", Who: "alice"}
	g.Limit(clock, 10*time.Minute)
	if err := s.WriteGrant(r, g); err != nil {
		t.Fatal(err)
	}
	return s, r, g
}

func TestGrant(t *testing.T) {
	s, r, want := granted(t)
	got, err := s.Grant(r, at(clock))
	if err != nil || got.Reason != want.Reason || got.UID != 0 || len(got.Capabilities) != 1 || !got.Until.Equal(want.Until) {
		t.Errorf("%v: %+v", err, got)
	}
	// A second one takes its place, and nothing else is left.
	want.Reason = "again"
	if err := s.WriteGrant(r, want); err != nil {
		t.Fatal(err)
	}
	if got, err = s.Grant(r, at(clock)); err != nil || got.Reason != "again" {
		t.Errorf("%v: %+v", err, got)
	}
	names, err := s.containers.Names(r.key() + "/" + r.Creation())
	if err != nil || len(names) != 2 {
		t.Errorf("%v: %q", err, names)
	}
	if err := s.EndGrant(r); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Grant(r, at(clock)); !errors.Is(err, ErrNoGrant) {
		t.Error(err)
	}
	if err := s.EndGrant(r); err != nil {
		t.Error(err)
	}
}

func TestGrantEnds(t *testing.T) {
	s, r, _ := granted(t)
	later := func(wall, boot time.Duration, id string) Clocks {
		return Clocks{Wall: clock.Wall.Add(wall), Boot: clock.Boot + boot, BootID: id}
	}
	for name, tt := range map[string]struct {
		now  Clocks
		over bool
	}{
		"still":            {later(9*time.Minute, 9*time.Minute, "b1"), false},
		"both":             {later(10*time.Minute, 10*time.Minute, "b1"), true},
		"set back":         {later(-10*time.Hour, 10*time.Minute, "b1"), true},
		"set forward":      {later(10*time.Minute, time.Minute, "b1"), true},
		"set back in time": {later(-10*time.Hour, time.Minute, "b1"), false},
		"another boot":     {later(time.Minute, -999*time.Hour, "b2"), true},
	} {
		if _, err := s.Grant(r, at(tt.now)); errors.Is(err, ErrGrantOver) != tt.over || !tt.over && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// It ends with the container.
	if err := s.Remove(r); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Grant(r, at(clock)); !errors.Is(err, ErrNoGrant) {
		t.Error(err)
	}
	if err := s.WriteGrant(r, Grant{Reason: "r", Who: "w", From: clock.Wall, Until: clock.Wall.Add(1), BootID: "b"}); !errors.Is(err, ErrNoRecord) {
		t.Error(err)
	}
}

func TestGrantThatWasNotMeant(t *testing.T) {
	s, r, good := granted(t)
	file := s.containers.Path(grantFile(r))
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	long := good
	long.Until = clock.Wall.Add(9 * time.Hour)
	boot := good
	boot.BootUntil = clock.Boot + 9*time.Hour
	other := sample("/r", "c2", self(t))
	for name, text := range map[string]string{
		"not JSON":          "{",
		"empty":             "",
		"another version":   strings.Replace(string(data), `"version":1`, `"version":2`, 1),
		"unknown member":    strings.Replace(string(data), `"version":1`, `"version":1,"x":1`, 1),
		"twice":             strings.Replace(string(data), `"uid":0`, `"uid":1,"uid":0`, 1),
		"another container": string(good.encode(&other)),
		"too long":          string(long.encode(&r)),
		"too long by boot":  string(boot.encode(&r)),
		"no reason":         strings.Replace(string(data), `look at a core \"file\"`, "  ", 1),
		"a negative user":   strings.Replace(string(data), `"uid":0`, `"uid":-1`, 1),
		"a large user":      strings.Replace(string(data), `"uid":0`, `"uid":4294967296`, 1),
		"a word":            strings.Replace(string(data), `"CAP_DAC_READ_SEARCH"`, `"ALL"`, 1),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Grant(r, at(clock)); err == nil || errors.Is(err, ErrGrantOver) || errors.Is(err, ErrNoGrant) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Grant(r, at(clock)); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o620, 0o602, 0o644} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Grant(r, at(clock)); !errors.Is(err, rundir.ErrUntrusted) {
			t.Errorf("%o: %v", mode, err)
		}
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(file, 1000, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Grant(r, at(clock)); !errors.Is(err, rundir.ErrUntrusted) {
			t.Error(err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", file); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Grant(r, at(clock)); err == nil {
		t.Error("a link was followed")
	}
}

func TestNow(t *testing.T) {
	c, err := Now()
	if err != nil || c.Boot <= 0 || len(c.BootID) != 36 {
		t.Errorf("%v: %+v", err, c)
	}
}
