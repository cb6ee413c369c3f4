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
	// Rules are finished members of the syscalls array, joined by commas; set
	// for Filter only.
	Rules string
	// More are further rules, each group added by any capability of its Caps.
	More []Group
	// Deny are rules that refuse with another errno than the default, each
	// group left out with any capability of its Caps: libseccomp takes no two
	// actions for the same arguments.
	Deny []Group
}

// Group is a group of rules that depends on capabilities (1<<number).
type Group struct {
	Caps  uint64
	Rules string
}

// Append appends the profile for calls (sorted by name) and the capabilities
// caps (1<<number) to dst. arch is an SCMP_ARCH name; it is the only one in the
// profile, so that every other system call table of the machine (int 0x80, x32)
// ends in libseccomp's bad-architecture action.
func Append(dst []byte, arch string, calls []Call, caps uint64) []byte {
	dst = append(dst, `{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"architectures":["`...)
	dst = append(dst, arch...)
	dst = append(dst, `"],"syscalls":[`...)
	dst = appendNames(dst, calls, caps, Allow, `"SCMP_ACT_ALLOW"`)
	for i := range calls {
		c := &calls[i]
		if c.effective(caps) != Filter {
			continue
		}
		dst = append(dst, ',')
		dst = append(dst, c.Rules...)
		for j := range c.More {
			if m := &c.More[j]; m.Caps&caps != 0 {
				dst = append(dst, ',')
				dst = append(dst, m.Rules...)
			}
		}
		for j := range c.Deny {
			if d := &c.Deny[j]; d.Caps&caps == 0 {
				dst = append(dst, ',')
				dst = append(dst, d.Rules...)
			}
		}
	}
	dst = append(dst, ',')
	dst = appendNames(dst, calls, caps, Perm, `"SCMP_ACT_ERRNO","errnoRet":1`)
	dst = append(dst, ',')
	dst = appendNames(dst, calls, caps, Inval, `"SCMP_ACT_ERRNO","errnoRet":22`)
	return append(dst, "]}"...)
}

func (c *Call) effective(caps uint64) Class {
	if c.Back&caps != 0 {
		return Allow
	}
	return c.Class
}

// appendNames appends one unconditional member with the names of class. Each
// class has members that no capability brings back, so the list is never empty.
func appendNames(dst []byte, calls []Call, caps uint64, class Class, action string) []byte {
	dst = append(dst, `{"names":[`...)
	first := true
	for i := range calls {
		if calls[i].effective(caps) != class {
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
