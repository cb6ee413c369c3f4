// SPDX-License-Identifier: Apache-2.0

package argv

import (
	"errors"
	"strconv"
)

// The rules that a refusal can name; an [Error] wraps one of them.
var (
	ErrUnknownFlag   = errors.New("flag not known for this command")
	ErrUnknownGlobal = errors.New("flag not known before the command")
	ErrDuplicateFlag = errors.New("flag given more than once")
	ErrRefusedFlag   = errors.New("flag refused")
	ErrValue         = errors.New("unacceptable flag value")
	ErrArguments     = errors.New("wrong arguments")
	ErrID            = errors.New("invalid container ID")
)

// Error says why a guarded command was refused. No policy line changes it: the
// command line is read before any policy. Its text holds none of the phrases
// from which Docker's CLI derives exit codes 126 and 127.
type Error struct {
	Command string // the command as given
	Rule    error  // one of the sentinels above
	Text    string
}

func (e *Error) Error() string { return e.Command + ": " + e.Text }

func (e *Error) Unwrap() error { return e.Rule }

func refuse(rule error, text string) *Error { return &Error{Rule: rule, Text: text} }

func refuseFlag(spec *flagSpec) *Error {
	return refuse(ErrRefusedFlag, "flag --"+spec.name+" is refused: "+spec.refused+"; no policy line allows it")
}

// maxQuoted bounds how much of a caller's word a message repeats, in bytes.
const maxQuoted = 80

func quote(s string) string {
	if len(s) > maxQuoted {
		return strconv.Quote(s[:maxQuoted]) + "…"
	}
	return strconv.Quote(s)
}
