// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/runclad/runclad/internal/ctl/text"
)

// String returns the line for people, without colours.
func (e *Entry) String() string { return e.Text(false) }

// Text returns the line for people: when, what, who, and the reason or what it
// came to. It is one line whatever the entry holds.
func (e *Entry) Text(p text.Painter) string {
	words := []string{
		p.Paint(text.Dim, e.Time.UTC().Format("2006-01-02T15:04:05Z")),
		p.Paint(colour(e.Decision), fmt.Sprintf("%-*s", len(BreakGlass), text.Clean(e.Decision))),
		fmt.Sprintf("%-7s", text.Clean(e.Verb)),
		fmt.Sprintf("%-10s", text.Or(e.Engine, "-")),
		p.Paint(text.Bold, e.Who()),
	}
	add := func(key, value string) {
		if value != "" {
			words = append(words, p.Paint(text.Dim, key+"=")+text.Clean(value))
		}
	}
	add("image", e.Image)
	if e.UID != 0 {
		add("uid", strconv.FormatUint(uint64(e.UID), 10))
	}
	if e.Profile != "default" {
		add("profile", e.Profile)
	}
	add("rule", e.Rule)
	if n := len(e.Exemptions); n > 0 {
		add("exemptions", strconv.Itoa(n))
	}
	switch {
	case e.Reason != "":
		words = append(words, text.Clean(e.Reason))
	case len(e.Changes) > 0:
		words = append(words, text.Count(len(e.Changes), "change"))
	}
	if e.DurationMS > 0 && e.Reason == "" {
		words = append(words, p.Paint(text.Dim, strconv.FormatFloat(e.DurationMS, 'f', -1, 64)+"ms"))
	}
	return strings.Join(words, " ")
}

// Who names the container: namespace, pod and name where there are any, and the
// beginning of its ID.
func (e *Entry) Who() string {
	id := e.Container
	if len(id) > 12 {
		id = id[:12]
	}
	var parts []string
	for _, s := range []string{e.Namespace, e.Pod, e.Name} {
		if s != "" {
			parts = append(parts, text.Clean(s))
		}
	}
	name := strings.Join(parts, "/")
	switch {
	case name == "":
		return text.Or(id, "-")
	case id == "":
		return name
	}
	return name + " (" + text.Clean(id) + ")"
}

func colour(decision string) text.Colour {
	switch decision {
	case Hardened:
		return text.Green
	case Refused, Failed:
		return text.Red
	case BreakGlass:
		return text.Red
	default:
		return text.Yellow
	}
}
