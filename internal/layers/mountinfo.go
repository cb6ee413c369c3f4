// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
)

// mount is one line of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
type mount struct {
	root, point, fstype, options string
}

// mountAt returns the topmost mount at point, nil if point is no mount point.
// Later lines lie over earlier ones at the same place.
func mountAt(point string) (*mount, error) {
	const file = "/proc/self/mountinfo"
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var found *mount
	needle := []byte(" " + escape(point) + " ")
	in := bufio.NewScanner(f)
	in.Buffer(make([]byte, 64<<10), 1<<20)
	for in.Scan() {
		if !bytes.Contains(in.Bytes(), needle) {
			continue
		}
		if m := parseMount(in.Text()); m != nil && m.point == point {
			found = m
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return found, nil
}

func parseMount(line string) *mount {
	before, after, ok := strings.Cut(line, " - ")
	fields, rest := strings.Fields(before), strings.Fields(after)
	if !ok || len(fields) < 6 || len(rest) < 3 {
		return nil
	}
	return &mount{root: unescape(fields[3]), point: unescape(fields[4]), fstype: rest[0], options: rest[2]}
}

// escape writes a path as mountinfo does: space, tab, newline and backslash in
// octal.
func escape(s string) string {
	return strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`).Replace(s)
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// overlayLayers returns an overlay's layers, topmost first, from its mount
// options: lowerdir=A:B, or lowerdir+=A,lowerdir+=B since Linux 6.8, and
// upperdir. Docker and containers/storage mount with relative lowerdirs; they
// are relative to the folder in which all layers have theirs, two above the
// upperdir.
func overlayLayers(options string) ([]string, error) {
	var upper string
	var lowers []string
	for _, o := range splitEscaped(options, ',') {
		key, value, _ := strings.Cut(o, "=")
		switch key {
		case "upperdir":
			upper = unslash(unescape(value))
		case "lowerdir":
			for _, l := range splitEscaped(value, ':') {
				lowers = append(lowers, unslash(unescape(l)))
			}
		case "lowerdir+":
			lowers = append(lowers, unslash(unescape(value)))
		case "datadir+", "redirect_dir", "metacopy":
			if key == "datadir+" || value == "on" {
				return nil, fmt.Errorf("the overlay has %s: its layers do not stand for themselves", o)
			}
		}
	}
	base := ""
	if path.IsAbs(upper) {
		base = path.Dir(path.Dir(upper))
	}
	var out []string
	if upper != "" {
		out = append(out, upper)
	}
	for _, l := range lowers {
		if !path.IsAbs(l) {
			if base == "" {
				return nil, fmt.Errorf("the overlay's layer %s has no known folder", l)
			}
			l = path.Join(base, l)
		}
		out = append(out, l)
	}
	if len(lowers) == 0 {
		return nil, fmt.Errorf("the overlay shows no layers")
	}
	return out, nil
}

// splitEscaped splits at sep where no backslash stands before it.
func splitEscaped(s string, sep byte) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case sep:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// unslash takes out the backslashes by which overlayfs escapes : and , in
// paths.
func unslash(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
