// SPDX-License-Identifier: Apache-2.0

package record

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// Version is that of the records this package writes. A record of a newer
// version is refused: a field that this runclad does not know could be the one
// that makes the container stricter.
const Version = 2

// oldest is the version of the oldest records that are read: containers outlive
// an upgrade. What they lack is as it was then: its zero.
const oldest = 1

// Record is what runclad knows of one container.
type Record struct {
	ID      string // the runtime's container ID
	Root    string // the runtime's --root, or its default
	Bundle  string
	Runtime string // path of the runtime's binary
	Flavor  string // "runc" or "crun": whose state lies below Root

	// Who the container is, as far as the engine says.
	Engine, Namespace, Pod, PodUID, Name, Image string
	Profile                                     string // of the policy
	// Rule is the policy's that matched, "" for none; Mode one of the Mode…
	// constants; PolicyDigest tells which text of the policy it was.
	Rule, Mode, PolicyDigest string
	// Exemptions names each loosening that was in force.
	Exemptions []string
	Sandbox    string // ID of the CRI sandbox it belongs to, "" for none

	UID, GID         uint32 // inside the container
	HostUID, HostGID uint32 // the same, in the initial user namespace
	// IDs is how many host IDs from HostUID and HostGID on are the container's,
	// where its process is UID 0 in a user namespace; 0 where it is not.
	IDs            uint32
	Home           string
	AdditionalGIDs []uint32
	Capabilities   []string // given back by policy
	// Identity is how the user was chosen: the policy's identity, "" for
	// "random".
	Identity string
	// NewPrivileges and Unconfined are what the policy said at create.
	NewPrivileges, Unconfined bool

	// Block is how the metadata block is set: one of the Block… constants.
	Block string
	// TaskCredentials is "block" if the block covers them too, else "".
	TaskCredentials string

	// The process that creates the container: the shim, which becomes the
	// runtime by execve(2).
	CreatorPID   int
	CreatorStart uint64

	Created string // RFC 3339 with nanoseconds
}

// The modes of a record.
const (
	// ModeEnforced: the container is hardened.
	ModeEnforced = ""
	// ModeAudited: the container is as its engine asked; only the audit log
	// knows what it would have been.
	ModeAudited = "audit"
	// ModeExempted: the policy left the container as it is.
	ModeExempted = "exempted"
)

// Creator returns the process that creates the container.
func (r *Record) Creator() Process { return Process{PID: r.CreatorPID, Start: r.CreatorStart} }

// Creation names this attempt to create the container.
func (r *Record) Creation() string { return Creation(r.Creator(), r.Root, r.ID) }

func (r *Record) key() string { return Key(r.Root, r.ID) }

// check refuses a record that could not have been meant.
func (r *Record) check() error {
	if err := CheckID(r.ID); err != nil {
		return err
	}
	if err := CheckRoot(r.Root); err != nil {
		return err
	}
	if err := CheckProcess(r.Creator()); err != nil {
		return err
	}
	switch r.Flavor {
	case "runc", "crun":
	default:
		return fmt.Errorf("flavor %q: want runc or crun", r.Flavor)
	}
	switch r.Mode {
	case ModeEnforced, ModeAudited, ModeExempted:
	default:
		return fmt.Errorf("mode %q: want none, audit or exempted", r.Mode)
	}
	switch r.Block {
	case BlockAtCreate, BlockAtStart, BlockByHook, BlockAllowed:
	default:
		return fmt.Errorf("block %q: want create, start, hook or allowed", r.Block)
	}
	if _, err := time.Parse(time.RFC3339Nano, r.Created); err != nil {
		return fmt.Errorf("created %q: %w", r.Created, err)
	}
	for _, f := range r.fields() {
		if s, ok := f.at.(*string); ok && !utf8.ValidString(*s) {
			return fmt.Errorf("%s %q: not UTF-8", f.name, *s)
		}
	}
	return nil
}

// field is one member of the JSON object: its name, where its value is, and the
// version of the record that it came with.
type field struct {
	name  string
	at    any // *string, *bool, *int, *uint32, *uint64, *[]string or *[]uint32
	since int
}

// fields is the one list of what is written and read.
func (r *Record) fields() []field {
	return []field{
		{"id", &r.ID, 1},
		{"root", &r.Root, 1},
		{"bundle", &r.Bundle, 1},
		{"runtime", &r.Runtime, 1},
		{"flavor", &r.Flavor, 1},
		{"engine", &r.Engine, 1},
		{"namespace", &r.Namespace, 1},
		{"pod", &r.Pod, 1},
		{"podUID", &r.PodUID, 1},
		{"name", &r.Name, 1},
		{"image", &r.Image, 1},
		{"profile", &r.Profile, 1},
		{"sandbox", &r.Sandbox, 1},
		{"uid", &r.UID, 1},
		{"gid", &r.GID, 1},
		{"hostUID", &r.HostUID, 1},
		{"hostGID", &r.HostGID, 1},
		{"home", &r.Home, 1},
		{"additionalGIDs", &r.AdditionalGIDs, 1},
		{"capabilities", &r.Capabilities, 1},
		{"block", &r.Block, 1},
		{"taskCredentials", &r.TaskCredentials, 1},
		{"creatorPID", &r.CreatorPID, 1},
		{"creatorStart", &r.CreatorStart, 1},
		{"created", &r.Created, 1},
		{"rule", &r.Rule, 2},
		{"mode", &r.Mode, 2},
		{"policyDigest", &r.PolicyDigest, 2},
		{"exemptions", &r.Exemptions, 2},
		{"identity", &r.Identity, 2},
		{"newPrivileges", &r.NewPrivileges, 2},
		{"unconfined", &r.Unconfined, 2},
		{"ids", &r.IDs, 2},
	}
}
