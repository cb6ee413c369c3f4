// SPDX-License-Identifier: Apache-2.0

package render

// Class says what the profile does with a call when no capability changes it.
type Class uint8

const (
	// NoSys refuses with ENOSYS, which is the default action: nothing is written.
	NoSys Class = iota
	// Allow lets the call through, whatever its arguments.
	Allow
	// Filter lets it through where one of its rules matches.
	Filter
	// Perm refuses with EPERM.
	Perm
	// Inval refuses with EINVAL.
	Inval
)

// Call is one system call of one architecture, ready to be written.
type Call struct {
	Name  string
	Class Class
	// Back holds the capabilities (1<<number) any of which brings the call
	// back without conditions.
	Back uint64
	// Loose is set where all of this counts at level strict alone, and the call
	// is allowed otherwise.
	Loose bool
	// Rules are finished members of the syscalls array, joined by commas, that
	// every set has; set for Filter only.
	Rules string
	// More are further rules that allow.
	More []Group
	// Deny are rules that refuse with another errno than the default, left out
	// where they would overlap one that allows: libseccomp takes no two actions
	// for the same arguments.
	Deny []Group
}

// Group is a group of rules that depends on the set that a profile is for. It
// counts where the set has all bits of With, none of Without and, unless Caps
// is zero, any of Caps.
type Group struct {
	Caps, With, Without uint64
	Rules               string
}

func (g *Group) counts(caps uint64) bool {
	return (g.Caps == 0 || g.Caps&caps != 0) && caps&g.With == g.With && caps&g.Without == 0
}

// Bits of the set that are no capabilities.
const (
	// Strict stands for level strict.
	Strict = 1 << 63
	// Device stands for a container with a device of the host.
	Device = 1 << 62
)

// Append appends the profile for calls (sorted by name) and the set caps
// (capabilities as 1<<number, and the bits above) to dst. arch is an SCMP_ARCH name; it is the only one in the
// profile, so that every other system call table of the machine (int 0x80, x32)
// ends in libseccomp's bad-architecture action.
func Append(dst []byte, arch string, calls []Call, caps uint64) []byte {
	dst = append(dst, `{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"architectures":["`...)
	dst = append(dst, arch...)
	dst = append(dst, `"],"syscalls":[`...)
	dst = appendNames(dst, calls, caps, Allow, `"SCMP_ACT_ALLOW"`)
	for i := range calls {
		c := &calls[i]
		if c.At(caps) == Filter {
			dst = c.AppendAllow(dst, caps)
			dst = c.AppendDeny(dst, caps)
		}
	}
	dst = append(dst, ',')
	dst = appendNames(dst, calls, caps, Perm, `"SCMP_ACT_ERRNO","errnoRet":1`)
	dst = append(dst, ',')
	dst = appendNames(dst, calls, caps, Inval, `"SCMP_ACT_ERRNO","errnoRet":22`)
	return append(dst, "]}"...)
}

// At returns the call's class in a profile of the set caps.
func (c *Call) At(caps uint64) Class {
	if c.Back&caps != 0 || c.Loose && caps&Strict == 0 {
		return Allow
	}
	return c.Class
}

// AppendAllow appends the rules that allow, each group with a comma before it.
func (c *Call) AppendAllow(dst []byte, caps uint64) []byte {
	if c.Rules != "" {
		dst = append(dst, ',')
		dst = append(dst, c.Rules...)
	}
	return appendGroups(dst, c.More, caps)
}

// AppendDeny appends the rules that refuse, each group with a comma before it.
func (c *Call) AppendDeny(dst []byte, caps uint64) []byte { return appendGroups(dst, c.Deny, caps) }

func appendGroups(dst []byte, groups []Group, caps uint64) []byte {
	for i := range groups {
		if g := &groups[i]; g.counts(caps) {
			dst = append(dst, ',')
			dst = append(dst, g.Rules...)
		}
	}
	return dst
}

// appendNames appends one unconditional member with the names of class. Each
// class has members that no capability brings back, so the list is never empty.
func appendNames(dst []byte, calls []Call, caps uint64, class Class, action string) []byte {
	dst = append(dst, `{"names":[`...)
	first := true
	for i := range calls {
		if calls[i].At(caps) != class {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, '"')
		dst = append(dst, calls[i].Name...)
		dst = append(dst, '"')
	}
	dst = append(dst, `],"action":`...)
	dst = append(dst, action...)
	return append(dst, '}')
}
