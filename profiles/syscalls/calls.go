// SPDX-License-Identifier: Apache-2.0

package syscalls

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/runclad/runclad/profiles/internal/render"
)

// ScmpArch returns libseccomp's name for a GOARCH.
func ScmpArch(goarch string) (string, error) {
	switch goarch {
	case "amd64":
		return "SCMP_ARCH_X86_64", nil
	case "arm64":
		return "SCMP_ARCH_AARCH64", nil
	}
	return "", fmt.Errorf("no seccomp table for architecture %q", goarch)
}

// Calls returns the table for a GOARCH in the form that the shim carries. Calls
// that are refused with ENOSYS and that no capability brings back are left out:
// the default action refuses them.
func Calls(goarch string) ([]render.Call, error) {
	if _, err := ScmpArch(goarch); err != nil {
		return nil, err
	}
	var out []render.Call
	for i := range Table {
		s := &Table[i]
		if _, ok := s.Number(goarch); !ok || s.Class == ENOSYS && s.Caps == 0 && !s.Loose {
			continue
		}
		c := render.Call{Name: s.Name, Class: renderClass(s.Class), Back: uint64(s.Caps), Loose: s.Loose}
		if s.Class == Filter {
			c.Rules, c.More, c.Deny = fragments(s)
		}
		out = append(out, c)
	}
	return out, nil
}

// Profile returns the OCI linux.seccomp object for a GOARCH and capabilities.
func Profile(goarch string, caps Caps) ([]byte, error) {
	arch, err := ScmpArch(goarch)
	if err != nil {
		return nil, err
	}
	calls, err := Calls(goarch)
	if err != nil {
		return nil, err
	}
	return render.Append(nil, arch, calls, uint64(caps)), nil
}

func renderClass(c Class) render.Class {
	switch c {
	case Allow:
		return render.Allow
	case Filter:
		return render.Filter
	case EPERM:
		return render.Perm
	case EINVAL:
		return render.Inval
	}
	return render.NoSys
}

// fragments returns the rules of s that always count, a group for each set of
// capabilities that adds rules, and the refusals.
func fragments(s *Syscall) (rules string, more, deny []render.Group) {
	type when struct {
		caps  Caps
		level Level
	}
	var base [][]Cond
	var order []when
	groups := map[when][][]Cond{}
	for _, r := range s.Rules {
		w := when{r.Caps, r.Level}
		if w == (when{}) {
			base = append(base, r.Conds)
			continue
		}
		if groups[w] == nil {
			order = append(order, w)
		}
		groups[w] = append(groups[w], r.Conds)
	}
	var b strings.Builder
	if base != nil {
		member(&b, s.Name, Cover(base), `"SCMP_ACT_ALLOW"`)
	}
	for _, w := range order {
		var m strings.Builder
		member(&m, s.Name, Cover(groups[w]), `"SCMP_ACT_ALLOW"`)
		with, without := w.level.bits()
		more = append(more, render.Group{Caps: uint64(w.caps), With: uint64(with), Without: uint64(without), Rules: m.String()})
	}
	for _, r := range s.Refuse {
		var d strings.Builder
		errno := int(r.Errno)
		if r.Errno == Nothing {
			errno = 0
		}
		member(&d, s.Name, Cover([][]Cond{r.Conds}), `"SCMP_ACT_ERRNO","errnoRet":`+strconv.Itoa(errno))
		with, without := r.Level.bits()
		deny = append(deny, render.Group{With: uint64(with), Without: uint64(r.Unless | without), Rules: d.String()})
	}
	return b.String(), more, deny
}

// member writes one member of the syscalls array for each cube. Each argument
// is named once in a rule: runc splits a rule that names one twice into
// alternatives (libcontainer/seccomp, matchCall).
func member(b *strings.Builder, name string, cubes []Cube, action string) {
	for _, c := range cubes {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, `{"names":["%s"],"action":%s,"args":[`, name, action)
		sep := ""
		for a, mask := range c.Mask {
			if mask == 0 {
				continue
			}
			fmt.Fprintf(b, `%s{"index":%d,"value":%d`, sep, a, mask)
			if v := c.Val[a]; v != 0 {
				fmt.Fprintf(b, `,"valueTwo":%d`, v)
			}
			b.WriteString(`,"op":"SCMP_CMP_MASKED_EQ"}`)
			sep = ","
		}
		b.WriteString("]}")
	}
}
