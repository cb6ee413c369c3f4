// SPDX-License-Identifier: Apache-2.0

package argv

import "strings"

// Flavor selects the flag table and the parsing rules of a runtime.
type Flavor uint8

// The runtimes whose command lines are known.
const (
	Runc Flavor = iota
	Crun
)

func (f Flavor) String() string {
	if f == Crun {
		return "crun"
	}
	return "runc"
}

// Verb is what the shim has to do for a command.
type Verb uint8

// PassThrough is every command without a Verb of its own, help included.
const (
	PassThrough Verb = iota
	Create
	Run
	Restore
	Exec
	Start
	Version
	Features
)

func (v Verb) String() string {
	switch v {
	case Create:
		return "create"
	case Run:
		return "run"
	case Restore:
		return "restore"
	case Exec:
		return "exec"
	case Start:
		return "start"
	case Version:
		return "version"
	case Features:
		return "features"
	default:
		return "pass-through"
	}
}

// Guarded reports whether the command is parsed completely and re-emitted.
func (v Verb) Guarded() bool { return v >= Create && v <= Start }

// hasBundle reports whether the command reads a bundle of its own.
func (v Verb) hasBundle() bool { return v >= Create && v <= Restore }

// guarded returns the Verb of a guarded command word, else PassThrough. Both
// runtimes compare command words byte for byte.
func guarded(word string) Verb {
	switch word {
	case "create":
		return Create
	case "run":
		return Run
	case "restore":
		return Restore
	case "exec":
		return Exec
	case "start":
		return Start
	default:
		return PassThrough
	}
}

// Flag is a flag without a field of its own, for re-emission. A switch has no
// Value (an empty value is refused).
type Flag struct {
	Name  string // long name without dashes
	Value string
}

// ExecFlags are the flags of exec that are no field of [Invocation].
//
// Those down to NoNewPrivs describe the process. The runtime ignores them where
// --process is given, and [Invocation.ExecArgv] never emits them: they are for
// whoever builds the process document, and for the audit line.
type ExecFlags struct {
	TTY            bool
	Cwd            string
	Env            []string // NAME=VALUE as given, in order
	User           string   // UID[:GID] as given
	AdditionalGids []uint32 // runc only
	Caps           []string
	Apparmor       string
	ProcessLabel   string
	NoNewPrivs     *bool // nil: not given; runc distinguishes =false

	Detach       bool
	IgnorePaused bool     // runc only
	Cgroup       []string // runc: [CONTROLLERS:]PATH, repeatable; crun: one PATH
}

// Invocation is a parsed command line.
type Invocation struct {
	Flavor  Flavor
	Verb    Verb
	Command string // the command word as given, "" if there is none

	// Globals. Root is made absolute for guarded commands.
	Root, Log, LogFormat string
	Debug, SystemdCgroup bool
	Globals              []Flag // the other global flags, in the order given

	// Guarded commands. Paths are as given: the runtime takes a relative PidFile
	// from its start directory, a relative socket from the bundle.
	ID            string
	Bundle        string // absolute and clean; create, run and restore only
	PidFile       string
	ConsoleSocket string
	PidfdSocket   string
	PreserveFDs   int
	Flags         []Flag // the other flags of the command, in the order given

	// Exec.
	Process string // FILE of --process, as given
	Exec    ExecFlags
	Args    []string // the command and its arguments; ignored by the runtime beside --process
}

// LogPath returns the file that --log names, or "" if it names none. crun gives
// the value a type, `file:PATH`, `journald:ID` or `syslog:ID`, and opens nothing
// where another word stands before a colon (get_log_type in libcrun/error.c).
func (inv Invocation) LogPath() string {
	if inv.Flavor != Crun {
		return inv.Log
	}
	kind, file, typed := strings.Cut(inv.Log, ":")
	switch {
	case !typed:
		return inv.Log
	case kind == "file":
		return file
	default:
		return ""
	}
}
