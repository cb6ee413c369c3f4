// SPDX-License-Identifier: Apache-2.0

package record

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/spec"
)

// MaxGrant is the longest time that glass stays broken.
const MaxGrant = 8 * time.Hour

// Errors about a Grant.
var (
	// ErrNoGrant: nothing was granted for the container.
	ErrNoGrant = errors.New("no break-glass grant")
	// ErrGrantOver: what was granted has ended.
	ErrGrantOver = errors.New("the break-glass grant is over")
)

const (
	grantName    = "grant.json"
	grantLimit   = 16 << 10
	grantVersion = 1
)

// Grant allows, for a time, to exec into one container with more privilege than
// the container has. It lies beside the container's record and ends with it.
type Grant struct {
	UID, GID     uint32 // whom processes run as
	Capabilities []string
	Reason       string
	Who          string    // who granted it
	From, Until  time.Time // on the wall clock
	// BootUntil is the end on CLOCK_BOOTTIME (clock_gettime(2)), which nobody can
	// set: setting the wall clock back prolongs nothing. BootID is the boot that
	// this clock counts from.
	BootUntil time.Duration
	BootID    string
}

// Clocks are what a grant's end is measured by.
type Clocks struct {
	Wall   time.Time
	Boot   time.Duration
	BootID string
}

// Now reads the clocks.
func Now() (Clocks, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return Clocks{}, os.NewSyscallError("clock_gettime", err)
	}
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Clocks{}, err
	}
	return Clocks{Wall: time.Now(), Boot: time.Duration(ts.Nano()), BootID: strings.TrimSpace(string(id))}, nil
}

// Limit sets when a grant that begins now ends.
func (g *Grant) Limit(now Clocks, d time.Duration) {
	g.From, g.Until = now.Wall, now.Wall.Add(d)
	g.BootUntil, g.BootID = now.Boot+d, now.BootID
}

// check refuses a grant that could not have been meant.
func (g *Grant) check() error {
	switch {
	case strings.TrimSpace(g.Reason) == "" || g.Who == "" || g.BootID == "":
		return errors.New("reason, who or bootID is missing")
	case !utf8.ValidString(g.Reason) || !utf8.ValidString(g.Who):
		return errors.New("reason or who is not UTF-8")
	case !g.Until.After(g.From) || g.Until.Sub(g.From) > MaxGrant:
		return fmt.Errorf("it is for %v, and the longest is %v", g.Until.Sub(g.From), MaxGrant)
	}
	for _, c := range g.Capabilities {
		if !strings.HasPrefix(c, "CAP_") {
			return fmt.Errorf("capability %q", c)
		}
	}
	return nil
}

// over returns an ErrGrantOver once either clock has reached the end.
func (g *Grant) over(now Clocks) error {
	switch {
	case g.BootID != now.BootID:
		return fmt.Errorf("%w: it was for an earlier boot", ErrGrantOver)
	case !now.Wall.Before(g.Until), now.Boot >= g.BootUntil:
		return fmt.Errorf("%w: it ended at %s", ErrGrantOver, g.Until.UTC().Format(time.RFC3339))
	case g.BootUntil-now.Boot > MaxGrant:
		return fmt.Errorf("it is for %v more, and the longest is %v", g.BootUntil-now.Boot, MaxGrant)
	}
	return nil
}

// WriteGrant puts a grant in the place of the container's earlier one.
func (s Store) WriteGrant(r Record, g Grant) error {
	if err := g.check(); err != nil {
		return fmt.Errorf("break-glass grant: %w", err)
	}
	name := grantFile(r)
	tmp := name + ".new." + strconv.Itoa(os.Getpid())
	err := s.containers.Create(tmp, 0o600, g.encode(&r))
	if errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("container %s: %w", r.ID, ErrNoRecord)
	}
	if err == nil {
		err = s.containers.Rename(tmp, name)
	}
	if err != nil {
		return errors.Join(err, s.containers.Unlink(tmp))
	}
	return nil
}

// Grant returns what is granted for the container: ErrNoGrant if nothing is,
// ErrGrantOver with the grant if it has ended, and another error for anything that
// WriteGrant would not have written for this very container.
func (s Store) Grant(r Record, clocks func() (Clocks, error)) (Grant, error) {
	name := grantFile(r)
	data, err := s.containers.ReadPrivate(name, grantLimit)
	if errors.Is(err, unix.ENOENT) {
		return Grant{}, ErrNoGrant
	}
	if err != nil {
		return Grant{}, fmt.Errorf("break-glass grant: %w", err)
	}
	g, err := decodeGrant(data, &r)
	if err != nil {
		return Grant{}, fmt.Errorf("break-glass grant: %s: %w", s.containers.Path(name), err)
	}
	now, err := clocks()
	if err != nil {
		return Grant{}, err
	}
	return g, g.over(now)
}

// EndGrant removes the container's grant, whatever it is; that there is none is
// no error.
func (s Store) EndGrant(r Record) error { return s.containers.Unlink(grantFile(r)) }

func grantFile(r Record) string { return r.key() + "/" + r.Creation() + "/" + grantName }

func (g *Grant) encode(r *Record) []byte {
	return append(spec.Map(
		spec.M("version", spec.Int(grantVersion)), spec.M("root", spec.Text(r.Root)), spec.M("id", spec.Text(r.ID)),
		spec.M("creation", spec.Text(r.Creation())), spec.M("uid", spec.Int(int64(g.UID))), spec.M("gid", spec.Int(int64(g.GID))),
		spec.M("capabilities", spec.Texts(g.Capabilities...)), spec.M("reason", spec.Text(g.Reason)), spec.M("who", spec.Text(g.Who)),
		spec.M("from", spec.Int(g.From.UnixNano())), spec.M("until", spec.Int(g.Until.UnixNano())),
		spec.M("bootUntil", spec.Int(int64(g.BootUntil))), spec.M("bootID", spec.Text(g.BootID)),
	).Append(nil), '\n')
}

// decodeGrant reads what encode writes for the container, and nothing else.
func decodeGrant(data []byte, r *Record) (Grant, error) {
	v, err := spec.ParseValue(data)
	if err != nil {
		return Grant{}, err
	}
	number := func(name string) int64 {
		n, ok := v.Get(name).Int64()
		if !ok {
			n = -1
		}
		return n
	}
	g := Grant{
		UID: uint32(number("uid")), GID: uint32(number("gid")), Capabilities: v.Get("capabilities").Strs(),
		Reason: v.Get("reason").Str(), Who: v.Get("who").Str(), From: time.Unix(0, number("from")), Until: time.Unix(0, number("until")),
		BootUntil: time.Duration(number("bootUntil")), BootID: v.Get("bootID").Str(),
	}
	if version := number("version"); version != grantVersion {
		return Grant{}, fmt.Errorf("version %d is not known", version)
	}
	if v.Get("root").Str() != r.Root || v.Get("id").Str() != r.ID || v.Get("creation").Str() != r.Creation() {
		return Grant{}, errors.New("it is for another container")
	}
	// What was read has to be all that there is, in the one form it is written in.
	if string(g.encode(r)) != string(data) {
		return Grant{}, errors.New("it is not as runclad writes it")
	}
	return g, g.check()
}
