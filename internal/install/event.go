// SPDX-License-Identifier: Apache-2.0

package install

import (
	"fmt"
	"io"
	"strings"
)

// What an [Event] says.
const (
	Wrote        = "wrote"
	WouldWrite   = "would write" // Text is the difference
	Installed    = "installed"   // a program
	WouldInstall = "would install"
	Removed      = "removed"
	WouldRemove  = "would remove"
	Unchanged    = "unchanged"
	Kept         = "kept"
	Backup       = "backup" // File is the copy
	Effect       = "effect" // Text is the command that makes the engine read its file
	Depends      = "depends"
	Note         = "note"
	Hint         = "hint" // Text are lines to write by hand
)

// Event is one thing that was done, or would be.
type Event struct {
	Action string `json:"action"`
	File   string `json:"file,omitempty"`
	Text   string `json:"text,omitempty"`
	Why    string `json:"why,omitempty"`
}

// Print writes an event for people.
func Print(w io.Writer, e Event) {
	why := ""
	if e.Why != "" {
		why = "   (" + e.Why + ")"
	}
	switch e.Action {
	case WouldWrite:
		fmt.Fprintf(w, "would write %s:\n%s", e.File, e.Text)
	case WouldInstall, WouldRemove:
		fmt.Fprintf(w, "%s %s\n", e.Action, e.File)
	case Effect:
		fmt.Fprintf(w, "           to take effect: %s%s\n", e.Text, why)
	case Note, Depends:
		fmt.Fprintf(w, "%-10s %s%s\n", e.Action, e.Text, why)
	case Hint:
		fmt.Fprintf(w, "\n%s\n    %s\n", e.Why, strings.ReplaceAll(strings.TrimSpace(e.Text), "\n", "\n    "))
	default:
		fmt.Fprintf(w, "%-10s %s%s\n", e.Action, e.File, why)
	}
}
