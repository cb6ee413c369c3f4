// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/spec"
)

// AnnotationPrefix begins the annotations by which a workload asks for something
// itself.
const AnnotationPrefix = "dev.runclad."

// Requestable are the keys that a rule may let workloads set. None can loosen
// more than memory that is bounded anyway: the first four tighten alone, and
// writable adds a directory of the image's that lies in memory and from which
// nothing can be executed.
var Requestable = [...]string{"seccomp", "task_credentials", "pids_limit", "tmpfs_size", "writable"}

// Request returns the decision's profile as the workload's own annotations
// change it. One that the rule does not list, that is not known, or that asks for
// more than it may is refused.
func (d *Decision) Request(annotations *spec.Value) (*Profile, error) {
	p := d.Profile
	for _, a := range annotations.Members() {
		key, ours := strings.CutPrefix(a.Name, AnnotationPrefix)
		if !ours {
			continue
		}
		key = strings.ReplaceAll(key, "-", "_")
		if p == d.Profile {
			p = d.Profile.clone()
		}
		switch {
		case !slices.Contains(Requestable[:], key):
			return nil, control.Refuse(control.Annotations, "", "the annotation %s asks for something that cannot be asked for; %s can", a.Name, strings.Join(Requestable[:], ", "))
		case d.Rule == nil || !slices.Contains(d.Rule.Requestable, key):
			return nil, control.Refuse(control.Annotations, "", "the annotation %s may be set only where a rule says requestable = [%q]%s", a.Name, key, d.ruleName())
		}
		if err := p.set(key, a.Value.Str()); err != nil {
			return nil, control.Refuse(control.Annotations, "", "the annotation %s: %s", a.Name, err)
		}
	}
	return p, nil
}

func (d *Decision) ruleName() string {
	if d.Rule == nil {
		return ", and no rule is for this container"
	}
	return ", and rule " + d.Rule.Name + " does not"
}

// set applies one request.
func (p *Profile) set(key, value string) error {
	switch key {
	case "seccomp":
		if value != "strict" || p.Seccomp != "default" && p.Seccomp != "strict" {
			return fmt.Errorf(`%q: only "strict" can be asked for, in the place of "default"`, value)
		}
		p.Seccomp = value
	case "task_credentials":
		if value != "block" {
			return fmt.Errorf(`%q: only "block" can be asked for`, value)
		}
		p.TaskCredentials = value
	case "pids_limit", "tmpfs_size":
		have := &p.PidsLimit
		if key == "tmpfs_size" {
			have = &p.TmpfsSize
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 1 || n > *have {
			return fmt.Errorf("%q: want a number from 1 to %d", value, *have)
		}
		*have = n
	case "writable":
		for dir := range strings.SplitSeq(value, ",") {
			if !path.IsAbs(dir) || path.Clean(dir) != dir {
				return fmt.Errorf("%q must be an absolute path without . or .. and without a slash at its end", dir)
			}
			p.Writable = append(p.Writable, dir)
		}
	}
	return p.check()
}
