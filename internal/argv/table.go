// SPDX-License-Identifier: Apache-2.0

package argv

// kind says how a flag takes its value.
type kind uint8

const (
	toggle   kind = iota // no value; runc: =BOOL may follow
	valued               // one value, given once
	list                 // one value, given any number of times
	optional             // crun's --tty[=VALUE]
)

// scope is a set of places where a flag may stand: bit 1<<Verb for a guarded
// command, bit 1<<PassThrough for before the command word.
type scope uint8

const (
	inGlobal   scope = 1 << PassThrough
	inCreate   scope = 1 << Create
	inRun      scope = 1 << Run
	inRestore  scope = 1 << Restore
	inExec     scope = 1 << Exec
	inStart    scope = 1 << Start
	inBundled        = inCreate | inRun | inRestore
	inStarting       = inBundled | inExec
	inAnywhere       = inGlobal | inStarting | inStart
)

// flagSpec is one row of the table. The versions are the first release that has
// the flag and the first that has it no longer; empty means all that runclad
// supports (runc 1.1 to 1.5, crun 1.8.1 to 1.29). Only the differential test
// reads them: a flag is passed on whatever the runtime's version, and a runtime
// that does not have it says so itself.
type flagSpec struct {
	name       string
	short      byte
	kind       kind
	runc, crun scope
	runcSince  string
	runcUntil  string
	crunSince  string
	refused    string // why the flag is refused; "" if it is not
}

// flagTable is the union of the flags of runc 1.1.0 to 1.5.2 (main.go, create.go,
// run.go, restore.go, exec.go) and of crun 1.8.1 to 1.29.1 (src/crun.c, create.c,
// run.c, restore.c, exec.c) for the guarded commands and before the command word.
var flagTable = [...]flagSpec{
	// Before the command word.
	{name: "root", kind: valued, runc: inGlobal, crun: inGlobal},
	{name: "log", kind: valued, runc: inGlobal, crun: inGlobal},
	{name: "log-format", kind: valued, runc: inGlobal, crun: inGlobal},
	{name: "debug", runc: inGlobal, crun: inGlobal},
	{name: "systemd-cgroup", runc: inGlobal, crun: inGlobal},
	// Obeyed up to 1.1, hidden and ignored in 1.2 and 1.3, gone since.
	{name: "criu", kind: valued, runc: inGlobal, runcUntil: "1.4"},
	{name: "rootless", kind: valued, runc: inGlobal}, // see checkGlobal
	{name: "rootless", kind: valued, crun: inGlobal, refused: "crun before 1.22 takes its value for that of --root"},
	{name: "cgroup-manager", kind: valued, crun: inGlobal}, // see checkGlobal
	{name: "log-level", kind: valued, crun: inGlobal, crunSince: "1.17"},
	{name: "version", short: 'v', runc: inGlobal, crun: inGlobal},
	{name: "version", short: 'V', crun: inGlobal},
	{name: "help", short: 'h', runc: inAnywhere, refused: standsAlone},
	{name: "help", short: '?', crun: inAnywhere, refused: standsAlone},
	{name: "usage", crun: inAnywhere, refused: standsAlone},

	// Where the container is, and what goes in and out.
	{name: "bundle", short: 'b', kind: valued, runc: inBundled, crun: inBundled},
	{name: "config", short: 'f', kind: valued, crun: inCreate | inRun, refused: "it replaces config.json, the file that is hardened"},
	{name: "pid-file", kind: valued, runc: inStarting, crun: inStarting},
	{name: "console-socket", kind: valued, runc: inStarting, crun: inStarting},
	{name: "pidfd-socket", kind: valued, runc: inCreate | inRun | inExec, runcSince: "1.2"},
	{name: "preserve-fds", kind: valued, runc: inCreate | inRun | inExec, crun: inCreate | inRun | inExec},
	{name: "detach", short: 'd', runc: inRun | inRestore | inExec, crun: inRun | inRestore | inExec},
	{name: "keep", runc: inRun, crun: inRun, crunSince: "1.15"},
	{name: "no-subreaper", runc: inRun | inRestore, crun: inCreate | inRun}, // who reaps; no barrier
	{
		name: "no-pivot", runc: inBundled, crun: inCreate | inRun,
		refused: "without pivot_root(2) the host's root stays mounted above the container's",
	},
	{
		name: "no-new-keyring", runc: inCreate | inRun, crun: inCreate | inRun,
		refused: "the container would share the engine's session keyring (keyrings(7))",
	},

	// restore: CRIU's own.
	{name: "image-path", kind: valued, runc: inRestore, crun: inRestore},
	{name: "work-path", kind: valued, runc: inRestore, crun: inRestore},
	{name: "tcp-established", runc: inRestore, crun: inRestore},
	{name: "tcp-close", crun: inRestore, crunSince: "1.23"},
	{name: "shell-job", runc: inRestore, crun: inRestore},
	{name: "file-locks", runc: inRestore, crun: inRestore},
	{name: "manage-cgroups-mode", kind: valued, runc: inRestore, crun: inRestore},
	// Its value must be a word of its own: crun's table says that it has none.
	{name: "network-lock", kind: valued, crun: inRestore, crunSince: "1.19"},
	{name: "empty-ns", kind: list, runc: inRestore},
	{name: "auto-dedup", runc: inRestore},
	{name: "lazy-pages", runc: inRestore},
	{name: "lsm-mount-context", kind: valued, runc: inRestore, crun: inRestore, crunSince: "1.18"},
	{
		name: "lsm-profile", kind: valued, runc: inRestore, crun: inRestore, crunSince: "1.18",
		refused: "it sets the LSM label of the restored processes beside the hardened document",
	},
	{
		name: "ext-unix-sk", runc: inRestore, crun: inRestore,
		refused: "a restored process could come back connected to a unix socket of the host",
	},

	// exec.
	{name: "process", short: 'p', kind: valued, runc: inExec, crun: inExec},
	{name: "cgroup", kind: list, runc: inExec},
	{name: "cgroup", kind: valued, crun: inExec},
	{name: "ignore-paused", runc: inExec},
	{name: "tty", short: 't', runc: inExec},
	{name: "tty", short: 't', kind: optional, crun: inExec},
	{name: "cwd", kind: valued, runc: inExec, crun: inExec},
	{name: "env", short: 'e', kind: list, runc: inExec, crun: inExec},
	{name: "user", short: 'u', kind: valued, runc: inExec, crun: inExec},
	{name: "additional-gids", short: 'g', kind: list, runc: inExec},
	{name: "cap", short: 'c', kind: list, runc: inExec, crun: inExec},
	{name: "apparmor", kind: valued, runc: inExec, crun: inExec},
	{name: "process-label", kind: valued, runc: inExec, crun: inExec},
	{name: "no-new-privs", runc: inExec, crun: inExec},
}

const standsAlone = "it is passed on only where nothing else follows the command"

// A set of rows is a uint64.
const _ = uint(64 - len(flagTable))

// lookup returns the index of the row for a flag of f at a place, or -1.
func lookup(f Flavor, at scope, w flagWord) int {
	for i := range flagTable {
		row := &flagTable[i]
		in := row.runc
		if f == Crun {
			in = row.crun
		}
		if in&at == 0 {
			continue
		}
		if !w.short && row.name == w.name || len(w.name) == 1 && row.short == w.name[0] && (w.short || f == Runc) {
			return i
		}
	}
	return -1
}

// flagWord is one word of argv that looks like a flag.
type flagWord struct {
	name   string // "" if the word is malformed
	short  bool   // crun: one dash, one letter. runc does not tell the two apart
	value  string // what stands after "="
	inline bool   // a value stands after "="
}

// isFlag reports whether a word is a flag, as Go's package flag and getopt(3) see
// it: "-" and "" are not. "--" must have been dealt with before.
func isFlag(word string) bool { return len(word) >= 2 && word[0] == '-' }

// split takes a word for which isFlag holds apart.
func split(f Flavor, word string) flagWord {
	if word[1] != '-' && f == Crun {
		if len(word) > 2 { // a glued value or a cluster
			return flagWord{}
		}
		return flagWord{name: word[1:], short: true}
	}
	w := flagWord{name: word[1:]}
	if word[1] == '-' {
		w.name = word[2:]
	}
	for i := range len(w.name) {
		if w.name[i] == '=' {
			w.name, w.value, w.inline = w.name[:i], w.name[i+1:], true
			break
		}
	}
	if w.name != "" && w.name[0] == '-' {
		w.name = ""
	}
	return w
}
