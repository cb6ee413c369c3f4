// SPDX-License-Identifier: Apache-2.0

package argv

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// Parse reads a runtime's arguments without argv[0]. cwd is the absolute working
// directory; it may be "" if no path in argv needs it.
//
// An error is an [*Error], and only guarded commands give one. The Invocation
// returned with it carries the Verb, the Command, and as far as they could be
// read Log and LogFormat, so that the refusal reaches the engine's log; it must not
// be re-emitted.
func Parse(args []string, cwd string, f Flavor) (Invocation, error) {
	p := parser{inv: Invocation{Flavor: f}, cwd: cwd}
	rest, err := p.globals(args)
	if err == nil && p.inv.Verb.Guarded() {
		err = p.command(rest)
	}
	if err != nil {
		err.Command = p.inv.Command
		return p.inv, err
	}
	return p.inv, nil
}

type parser struct {
	inv   Invocation
	cwd   string
	seen  uint64 // rows of flagTable that were given
	short uint64 // those given by their short name
}

// globals reads up to the command word, sets Verb and Command, and returns what
// stands after it.
func (p *parser) globals(args []string) ([]string, *Error) {
	inv := &p.inv
	var fault *Error // refuses a guarded command and nothing else
	var help, version bool
	i := 0
	for ; i < len(args) && isFlag(args[i]); i++ {
		if args[i] == "--" {
			i++
			break
		}
		w := split(inv.Flavor, args[i])
		row := lookup(inv.Flavor, inGlobal, w)
		if row < 0 {
			return nil, p.lost(args[i:], refuse(ErrUnknownGlobal, "unknown flag "+quote(args[i])+
				" before the command: runclad cannot tell whether it takes a value"))
		}
		spec := &flagTable[row]
		value, next := w.value, i
		if spec.kind == valued && !w.inline {
			// Whatever stands there is the value, for both runtimes.
			if next++; next == len(args) {
				return nil, nil
			}
			value = args[next]
		}
		on, err := p.switched(spec, w)
		if err != nil {
			return nil, p.lost(args[i:], err)
		}
		if err := p.mark(row, w); err != nil && fault == nil {
			fault = err
		}
		if spec.kind == valued {
			if err := checkGlobal(inv.Flavor, spec, value); err != nil && fault == nil {
				fault = err
			}
		}
		i = next
		switch spec.name {
		case "root":
			inv.Root = value
		case "log":
			inv.Log = value
		case "log-format":
			inv.LogFormat = value
		case "debug":
			inv.Debug = on
		case "systemd-cgroup":
			inv.SystemdCgroup = on
		case "help", "usage":
			help = on
		case "version":
			version = on
		default:
			inv.Globals = append(inv.Globals, Flag{spec.name, value})
		}
		if inv.Flavor == Crun && (help || version) {
			break // crun answers at once, runc when it has read all the globals
		}
	}
	if help || version {
		if !help {
			inv.Verb = Version
		}
		return nil, nil
	}
	if i >= len(args) {
		return nil, nil
	}
	inv.Command = args[i]
	rest := args[i+1:]
	inv.Verb = guarded(inv.Command)
	switch {
	case inv.Command == "features" && len(rest) == 0:
		inv.Verb = Features
	case inv.Verb.Guarded() && len(rest) == 1 && p.asksHelp(rest[0]):
		inv.Verb = PassThrough
	case inv.Verb.Guarded() && fault == nil:
		fault = p.finishGlobals()
	}
	if inv.Verb.Guarded() {
		return rest, fault
	}
	return nil, nil
}

// lost ends the search for the command word at args[0], from which on it cannot
// be told flags from values: if a guarded command could follow, it is refused.
func (p *parser) lost(args []string, err *Error) *Error {
	for i, word := range args[1:] {
		if v := guarded(word); v != PassThrough {
			p.inv.Verb, p.inv.Command = v, word
			p.harvestLog(args[1 : 1+i])
			return err
		}
	}
	return nil
}

// harvestLog looks for the log's flags among words that could not be parsed, for
// nothing but telling the user of the refusal.
func (p *parser) harvestLog(words []string) {
	for i, word := range words {
		if !isFlag(word) {
			continue
		}
		w := split(p.inv.Flavor, word)
		if !w.inline && i+1 < len(words) {
			w.value = words[i+1]
		}
		switch w.name {
		case "log":
			p.inv.Log = w.value
		case "log-format":
			p.inv.LogFormat = w.value
		}
	}
}

// asksHelp reports whether a word is the runtime's help flag, without a value.
func (p *parser) asksHelp(word string) bool {
	if !isFlag(word) {
		return false
	}
	w := split(p.inv.Flavor, word)
	row := lookup(p.inv.Flavor, 1<<p.inv.Verb, w)
	return row >= 0 && !w.inline && flagTable[row].refused == standsAlone
}

// finishGlobals checks what needs the globals together, and makes Root absolute.
func (p *parser) finishGlobals() *Error {
	inv := &p.inv
	if inv.SystemdCgroup && slices.ContainsFunc(inv.Globals, func(g Flag) bool { return g.Name == "cgroup-manager" }) {
		return refuse(ErrDuplicateFlag, "--systemd-cgroup and --cgroup-manager are two forms of one flag: give one of them")
	}
	if inv.Root == "" || path.IsAbs(inv.Root) {
		if inv.Root != "" {
			inv.Root = path.Clean(inv.Root)
		}
	} else {
		root, err := p.absolute("root", inv.Root)
		if err != nil {
			return err
		}
		inv.Root = root
	}
	if inv.Root == "/" {
		return refuse(ErrValue, `--root may not be "/"`) // as runc since 1.2
	}
	return nil
}

// absolute joins a relative path to the working directory.
func (p *parser) absolute(flag, file string) (string, *Error) {
	if path.IsAbs(file) {
		return path.Clean(file), nil
	}
	if !path.IsAbs(p.cwd) {
		return "", refuse(ErrValue, "--"+flag+" "+quote(file)+" is relative, and the working directory "+quote(p.cwd)+" is no absolute path")
	}
	return path.Join(p.cwd, file), nil
}

// mark records that a flag was given, and refuses it the second time.
func (p *parser) mark(row int, w flagWord) *Error {
	spec, bit := &flagTable[row], uint64(1)<<row
	short := len(w.name) == 1
	again := p.seen&bit != 0
	switch {
	case again && spec.kind != list:
		return refuse(ErrDuplicateFlag, "flag --"+spec.name+" is given more than once")
	case again && short != (p.short&bit != 0):
		return refuse(ErrDuplicateFlag, "flag --"+spec.name+" is given by its long and by its short name: use one of them")
	}
	p.seen |= bit
	if short {
		p.short |= bit
	}
	return nil
}

// switched returns the state that a flag without a separate value is put into.
func (p *parser) switched(spec *flagSpec, w flagWord) (bool, *Error) {
	switch {
	case spec.kind == optional:
		return !w.inline || w.value != "false" && w.value != "no", nil
	case spec.kind != toggle:
		return false, nil
	case !w.inline:
		return true, nil
	case p.inv.Flavor == Crun:
		return false, refuse(ErrValue, "flag --"+spec.name+" takes no value")
	}
	on, err := strconv.ParseBool(w.value)
	if err != nil {
		return false, refuse(ErrValue, "flag --"+spec.name+" takes a boolean, not "+quote(w.value))
	}
	return on, nil
}

// checkValue refuses the values that runtimes read differently from one another,
// or than they look: the empty one, and one that could be a flag.
func checkValue(spec *flagSpec, value string) *Error {
	switch {
	case value == "":
		return refuse(ErrValue, "flag --"+spec.name+" needs a value")
	case value[0] == '-':
		return refuse(ErrValue, "the value "+quote(value)+" of --"+spec.name+" begins with a dash")
	}
	return nil
}

// checkGlobal decides on a global flag with a value, for guarded commands.
func checkGlobal(f Flavor, spec *flagSpec, value string) *Error {
	if err := checkValue(spec, value); err != nil {
		return err
	}
	if spec.refused != "" {
		return refuseFlag(spec)
	}
	switch spec.name {
	case "log-format":
		if value != "text" && value != "json" {
			return refuse(ErrValue, "--log-format is text or json, not "+quote(value))
		}
	case "rootless":
		// "true" lets runc go on where it may not set the cgroup's limits.
		if value != "auto" && value != "false" {
			return refuse(ErrRefusedFlag, "flag --rootless "+quote(value)+" is refused: the cgroup's limits may then be missing; only auto and false pass, and no policy line allows more")
		}
	case "cgroup-manager":
		if value != "systemd" && value != "cgroupfs" {
			return refuse(ErrRefusedFlag, "flag --cgroup-manager "+quote(value)+" is refused: the container would have no limits; only systemd and cgroupfs pass, and no policy line allows more")
		}
	case "root":
		if f == Crun && (!path.IsAbs(value) || hasDotDot(value)) {
			return refuse(ErrValue, "--root "+quote(value)+` is no absolute path without "..": crun takes it from the bundle, and does not clean it`)
		}
	case "log":
		unfiled := strings.HasPrefix(value, "journald:") || strings.HasPrefix(value, "syslog:")
		if f == Crun && !unfiled && !path.IsAbs((Invocation{Flavor: f, Log: value}).LogPath()) {
			return refuse(ErrValue, "--log "+quote(value)+" is neither journald:, nor syslog:, nor an absolute path: crun takes it from the bundle")
		}
	}
	return nil
}
