// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"strconv"
	"strings"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/spec"
)

// options returns a copy of a mount's options.
func options(m *spec.Value) []string { return m.Get("options").Strs() }

// negation pairs each mount flag with the options that undo it: the plain form
// (mount(8), "FILESYSTEM-INDEPENDENT MOUNT OPTIONS"), and the one that acts on the
// whole tree (mount_setattr(2), AT_RECURSIVE).
func negation(flag string) [2]string {
	switch flag {
	case "ro":
		return [2]string{"rw", "rrw"}
	case "nosuid":
		return [2]string{"suid", "rsuid"}
	case "nodev":
		return [2]string{"dev", "rdev"}
	default: // noexec
		return [2]string{"exec", "rexec"}
	}
}

// holds reports whether a flag is in force, in runc and in crun alike. Of the
// plain forms the last one counts. The recursive forms are applied after all
// plain ones, so that one that undoes the flag wins from wherever it stands; and
// runc applies them to binds alone (setRecAttr in mountToRootfs).
func holds(m *spec.Value, opts []string, flag string) bool {
	not := negation(flag)
	plain, tree := false, false
	for _, o := range opts {
		switch o {
		case flag:
			plain = true
		case not[0], "defaults":
			plain = false
		case "r" + flag:
			tree = true
		case not[1]:
			return false
		}
	}
	return plain || tree && host.IsBind(m)
}

// tighten puts the flags in force: what undoes them is taken out.
func tighten(e *edit, m *spec.Value, flags ...string) {
	opts := options(m)
	for _, flag := range flags {
		not := negation(flag)
		kept := opts[:0]
		for _, o := range opts {
			if o != not[0] && o != not[1] && o != "defaults" {
				kept = append(kept, o)
			}
		}
		opts = kept
		if !holds(m, opts, flag) {
			opts = append(opts, flag)
		}
	}
	e.doc.Set(m, "options", spec.Texts(opts...))
}

// loose returns the first of the flags that is not in force, "" if all are.
func loose(m *spec.Value, flags ...string) string {
	opts := options(m)
	for _, flag := range flags {
		if !holds(m, opts, flag) {
			return flag
		}
	}
	return ""
}

// value returns what follows key= in the options, the last one if repeated.
func value(opts []string, key string) string {
	v := ""
	for _, o := range opts {
		if s, ok := strings.CutPrefix(o, key+"="); ok {
			v = s
		}
	}
	return v
}

// without returns opts without any value of key.
func without(opts []string, key string) []string {
	var out []string
	for _, o := range opts {
		if !strings.HasPrefix(o, key+"=") {
			out = append(out, o)
		}
	}
	return out
}

// with returns opts with key=to in the place of any other value of key.
func with(opts []string, key, to string) []string { return append(without(opts, key), key+"="+to) }

// quote writes a string as TOML and JSON do.
func quote(s string) string { return spec.Text(s).String() }

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
