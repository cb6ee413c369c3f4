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
const Version = 1

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
	Sandbox                                     string // ID of the CRI sandbox it belongs to, "" for none

	UID, GID         uint32 // inside the container
	HostUID, HostGID uint32 // the same, in the initial user namespace
	// IDs is how many host IDs from HostUID and HostGID on are the container's,
	// where its process is UID 0 in a user namespace; 0 where it is not.
	IDs            uint32
	Home           string
	AdditionalGIDs []uint32
	Capabilities   []string // given back by policy

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

// field is one member of the JSON object: its name, and where its value is.
type field struct {
	name string
	at   any // *string, *int, *uint32, *uint64, *[]string or *[]uint32
}

// fields is the one list of what is written and read.
func (r *Record) fields() []field {
	return []field{
		{"id", &r.ID},
		{"root", &r.Root},
		{"bundle", &r.Bundle},
		{"runtime", &r.Runtime},
		{"flavor", &r.Flavor},
		{"engine", &r.Engine},
		{"namespace", &r.Namespace},
		{"pod", &r.Pod},
		{"podUID", &r.PodUID},
		{"name", &r.Name},
		{"image", &r.Image},
		{"profile", &r.Profile},
		{"sandbox", &r.Sandbox},
		{"uid", &r.UID},
		{"gid", &r.GID},
		{"hostUID", &r.HostUID},
		{"hostGID", &r.HostGID},
		{"ids", &r.IDs},
		{"home", &r.Home},
		{"additionalGIDs", &r.AdditionalGIDs},
		{"capabilities", &r.Capabilities},
		{"block", &r.Block},
		{"taskCredentials", &r.TaskCredentials},
		{"creatorPID", &r.CreatorPID},
		{"creatorStart", &r.CreatorStart},
		{"created", &r.Created},
	}
}
