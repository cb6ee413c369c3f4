// SPDX-License-Identifier: Apache-2.0

package breakglass

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/runclad/runclad/internal/audit"
	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/workload"
	"github.com/runclad/runclad/profiles"
)

// Request is what is asked for.
type Request struct {
	For          time.Duration
	Reason       string
	Capabilities []string
	// User is UID or UID:GID, "" for the container's own.
	User string
}

// Log is where granting is written down.
type Log interface{ Append(line []byte) error }

// Begin grants a request for a container. The line of the audit log comes first:
// what cannot be written down is not granted.
func Begin(store record.Store, r record.Record, q Request, log Log) (record.Grant, error) {
	g, err := q.grant(&r)
	if err != nil {
		return g, err
	}
	switch alive, err := r.Alive(); {
	case err != nil:
		return g, err
	case !alive:
		return g, fmt.Errorf("container %s is gone", r.ID)
	case r.Mode != record.ModeEnforced:
		return g, fmt.Errorf("container %s is not hardened (%s): exec into it is not held back", r.ID, r.Mode)
	}
	if g.Who, err = who(); err != nil {
		return g, err
	}
	now, err := record.Now()
	if err != nil {
		return g, err
	}
	g.Limit(now, q.For)
	reason := fmt.Sprintf("%s (by %s until %s: %s)", g.Reason, g.Who, g.Until.UTC().Format(time.RFC3339), What(&g))
	if err := log.Append(line(&r, now.Wall, auditlog.Grant, reason)); err != nil {
		return g, fmt.Errorf("nothing is granted: %w", err)
	}
	return g, store.WriteGrant(r, g)
}

// End takes back what was granted for a container.
func End(store record.Store, r record.Record, log Log) error {
	by, err := who()
	if err != nil {
		return err
	}
	return errors.Join(store.EndGrant(r), log.Append(line(&r, time.Now(), auditlog.End, "taken back by "+by)))
}

func line(r *record.Record, at time.Time, verb, reason string) []byte {
	e := audit.Entry{
		Time: at, Decision: audit.BreakGlass, Verb: verb, Container: r.ID, Profile: r.Profile, Rule: r.Rule, Reason: reason,
		Workload: workload.Workload{Engine: r.Engine, Namespace: r.Namespace, Pod: r.Pod, Name: r.Name, Image: r.Image, SandboxID: r.Sandbox},
	}
	return e.Line()
}

// grant checks the request.
func (q *Request) grant(r *record.Record) (record.Grant, error) {
	g := record.Grant{UID: r.UID, GID: r.GID, Reason: strings.TrimSpace(q.Reason)}
	switch {
	case g.Reason == "":
		return g, errors.New("a reason is needed: it stands in the audit log")
	case q.For <= 0 || q.For > record.MaxGrant:
		return g, fmt.Errorf("it can last up to %v, not %v", record.MaxGrant, q.For)
	case q.User == "" && len(q.Capabilities) == 0:
		return g, errors.New("nothing is asked for: neither a user nor a capability")
	}
	if q.User != "" {
		uid, gid, both := strings.Cut(q.User, ":")
		if !both {
			gid = uid
		}
		for _, n := range []struct {
			text string
			to   *uint32
		}{{uid, &g.UID}, {gid, &g.GID}} {
			v, err := strconv.ParseUint(n.text, 10, 32)
			if err != nil || v == 1<<32-1 {
				return g, fmt.Errorf("user %q: want UID or UID:GID, as numbers", q.User)
			}
			*n.to = uint32(v)
		}
	}
	for _, c := range q.Capabilities {
		name := "CAP_" + strings.TrimPrefix(strings.ToUpper(c), "CAP_")
		if profiles.Capability(name) < 0 {
			return g, fmt.Errorf("%q is no capability (capabilities(7)); each is named by itself", c)
		}
		if !slices.Contains(g.Capabilities, name) {
			g.Capabilities = append(g.Capabilities, name)
		}
	}
	slices.Sort(g.Capabilities)
	return g, nil
}

// noLogin is the login UID of a process that no login led to (proc_pid_loginuid,
// fs/proc/base.c).
const noLogin = "4294967295"

// who says who is at work, as far as it can be told: the login, which a process
// keeps across sudo and su, and the user that sudo(8) names.
func who() (string, error) {
	var parts []string
	if user := os.Getenv("SUDO_USER"); user != "" {
		parts = append(parts, fmt.Sprintf("%q through sudo", user))
	}
	login, err := os.ReadFile("/proc/self/loginuid")
	switch id := strings.TrimSpace(string(login)); {
	case errors.Is(err, os.ErrNotExist): // a kernel without audit
	case err != nil:
		return "", err
	case id != noLogin:
		parts = append(parts, "login UID "+id)
	}
	if len(parts) == 0 {
		parts = append(parts, "UID "+strconv.Itoa(os.Geteuid())+" without a login")
	}
	return strings.Join(parts, ", "), nil
}

// What says what a grant gives.
func What(g *record.Grant) string {
	what := fmt.Sprintf("user %d:%d", g.UID, g.GID)
	if len(g.Capabilities) > 0 {
		what += " with " + strings.Join(g.Capabilities, ", ")
	}
	return what
}

// Listed is the grant of one container.
type Listed struct {
	Record record.Record
	Grant  record.Grant
	// Err is what is wrong with it: a record.ErrGrantOver, or that it is not
	// runclad's own.
	Err error
}

// List returns the grants of all containers.
func List(store record.Store) ([]Listed, error) {
	all, err := store.List()
	var out []Listed
	for _, r := range all {
		g, errGrant := store.Grant(r, record.Now)
		if !errors.Is(errGrant, record.ErrNoGrant) {
			out = append(out, Listed{r, g, errGrant})
		}
	}
	return out, err
}
