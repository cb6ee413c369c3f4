// SPDX-License-Identifier: Apache-2.0

package argv

import (
	"strconv"
	"strings"
)

// command reads what stands after the word of a guarded command.
func (p *parser) command(args []string) *Error {
	inv := &p.inv
	// runc moves flags before the arguments first, for all commands but exec.
	reorders := inv.Flavor == Runc && inv.Verb != Exec
	var words []string
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--":
			if len(words) > 0 {
				// runc 1.1 takes it for one more argument, newer ones do not.
				return refuse(ErrArguments, `"--" stands after the container ID`)
			}
			words, i = args[i+1:], len(args)
			continue
		case !isFlag(args[i]) && !reorders:
			words, i = args[i:], len(args)
			continue
		case !isFlag(args[i]):
			words = append(words, args[i])
			continue
		}
		next, err := p.flag(args, i)
		if err != nil {
			return err
		}
		// What runc's reordering takes for the value of a switch stays where it is,
		// and ends the flags there.
		if w := split(inv.Flavor, args[i]); reorders && next == i && !w.inline &&
			next+1 < len(args)-1 && !isFlag(args[next+1]) {
			return refuse(ErrArguments, "more flags or arguments follow "+quote(args[next+1])+", which runc does not accept there")
		}
		i = next
	}
	return p.arguments(words)
}

// flag reads the flag at args[i] and returns the index of its last word.
func (p *parser) flag(args []string, i int) (int, *Error) {
	inv := &p.inv
	w := split(inv.Flavor, args[i])
	row := lookup(inv.Flavor, 1<<inv.Verb, w)
	if row < 0 {
		return i, refuse(ErrUnknownFlag, "unknown flag "+quote(args[i])+": runclad passes only flags it knows for "+inv.Command)
	}
	spec := &flagTable[row]
	if err := p.mark(row, w); err != nil {
		return i, err
	}
	on, err := p.switched(spec, w)
	if err != nil {
		return i, err
	}
	// A refused switch that is off asks for nothing. Help has no business here.
	if spec.refused != "" && (on || spec.kind != toggle || spec.refused == standsAlone) {
		return i, refuseFlag(spec)
	}
	var value string
	if spec.kind == valued || spec.kind == list {
		value = w.value
		if !w.inline && i+1 < len(args) {
			i++
			value = args[i]
		}
		if err := checkValue(spec, value); err != nil {
			return i, err
		}
	}
	return i, inv.store(spec, value, on)
}

// store keeps a flag in its field, or in Flags.
func (inv *Invocation) store(spec *flagSpec, value string, on bool) *Error {
	x := &inv.Exec
	switch spec.name {
	case "bundle":
		inv.Bundle = value
	case "pid-file":
		inv.PidFile = value
	case "console-socket":
		inv.ConsoleSocket = value
	case "pidfd-socket":
		inv.PidfdSocket = value
	case "preserve-fds":
		n, err := decimal(spec, value, maxFDs)
		if err != nil {
			return err
		}
		inv.PreserveFDs = int(n)
	case "process":
		inv.Process = value
	case "tty":
		x.TTY = on
	case "cwd":
		x.Cwd = value
	case "env":
		x.Env = append(x.Env, value)
	case "user":
		x.User = value
	case "additional-gids":
		n, err := decimal(spec, value, 1<<32-1)
		if err != nil {
			return err
		}
		x.AdditionalGids = append(x.AdditionalGids, uint32(n))
	case "cap":
		x.Caps = append(x.Caps, value)
	case "apparmor":
		x.Apparmor = value
	case "process-label":
		x.ProcessLabel = value
	case "no-new-privs":
		x.NoNewPrivs = &on
	case "ignore-paused":
		x.IgnorePaused = on
	case "cgroup":
		_, dir, _ := strings.Cut(value, ":")
		if hasDotDot(value) || hasDotDot(dir) {
			return refuse(ErrValue, "--cgroup "+quote(value)+` holds a ".."`)
		}
		x.Cgroup = append(x.Cgroup, value)
	case "detach":
		if inv.Verb == Exec {
			x.Detach = on
			return nil
		}
		fallthrough
	default:
		if on || value != "" {
			inv.Flags = append(inv.Flags, Flag{spec.name, value})
		}
	}
	return nil
}

// arguments takes what is left when the flags are read.
func (p *parser) arguments(words []string) *Error {
	inv := &p.inv
	switch {
	case len(words) == 0:
		return refuse(ErrArguments, "the container ID is missing")
	case inv.Verb == Exec && inv.Process == "" && len(words) == 1:
		return refuse(ErrArguments, "there is neither a command nor --process")
	case inv.Verb != Exec && len(words) > 1:
		return refuse(ErrArguments, "unexpected argument "+quote(words[1])+": "+inv.Command+" takes one container ID")
	}
	if err := checkID(words[0]); err != nil {
		return err
	}
	inv.ID = words[0]
	if len(words) > 1 {
		inv.Args = words[1:]
	}
	if inv.Verb.hasBundle() {
		return p.finishBundle()
	}
	return nil
}

// finishBundle makes Bundle absolute. A ".." is refused: after a symbolic link it
// does not lead where cleaning the text says.
func (p *parser) finishBundle() *Error {
	dir := p.inv.Bundle
	if hasDotDot(dir) {
		return refuse(ErrValue, "--bundle "+quote(dir)+` holds a "..": give the path without it`)
	}
	if dir == "" {
		dir = "."
	}
	dir, err := p.absolute("bundle", dir)
	if err != nil {
		return err
	}
	p.inv.Bundle = dir
	return nil
}

func hasDotDot(file string) bool {
	for part := range strings.SplitSeq(file, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

// maxFDs bounds --preserve-fds by the kernel's default for fs.nr_open
// (Documentation/admin-guide/sysctl/fs.rst).
const maxFDs = 1 << 20

// decimal reads a number as runc (base by prefix) and crun (base 10) both read it.
func decimal(spec *flagSpec, value string, limit uint64) (uint64, *Error) {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || n > limit || strconv.FormatUint(n, 10) != value {
		return 0, refuse(ErrValue, "--"+spec.name+" is a decimal number from 0 to "+strconv.FormatUint(limit, 10)+", not "+quote(value))
	}
	return n, nil
}
