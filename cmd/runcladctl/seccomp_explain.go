// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/profiles/syscalls"
)

// explanation is the answer of explain.
type explanation struct {
	Call    string   `json:"call"`
	Allowed bool     `json:"allowed"`
	Errno   string   `json:"errno,omitempty"`
	Rule    string   `json:"rule"`
	Rules   []string `json:"allowedWhere,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Since   string   `json:"since,omitempty"`
	Back    []string `json:"broughtBackBy,omitempty"`
	CVEs    []string `json:"cves,omitempty"`
}

func seccompExplainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain SYSCALL [ARGUMENT...]",
		Short: "Say whether a system call passes, by which rule, and why",
		Long: `Says whether a call is allowed, by which rule, with which error, and why. An
ARGUMENT is a number, or constants such as AF_INET or PROT_READ|PROT_WRITE.`,
		Example: "  runcladctl seccomp explain socket AF_VSOCK SOCK_STREAM",
		Args:    arguments(1, 7),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var out []cobra.Completion
			if len(args) == 0 {
				for i := range syscalls.Table {
					out = append(out, syscalls.Table[i].Name)
				}
			} else {
				out = slices.Sorted(maps.Keys(constants))
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
	}
	var c choice
	c.flags(cmd)
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		set, err := c.set()
		if err != nil {
			return err
		}
		e, err := explain(args, set, c.arch)
		if err != nil {
			return err
		}
		return answer(cmd, e, e.print)
	}
	return cmd
}

func (e *explanation) print(out io.Writer) error {
	verdict := "allowed"
	if !e.Allowed {
		verdict = "refused with " + e.Errno
	}
	fmt.Fprintf(out, "%s: %s\n  %s\n", e.Call, verdict, e.Rule)
	for _, r := range e.Rules {
		fmt.Fprintln(out, "  allowed where", r)
	}
	for _, l := range [...]struct{ name, text string }{
		{"why", e.Reason},
		{"since Linux", e.Since},
		{"brought back by", strings.Join(e.Back, " ")},
	} {
		if l.text != "" {
			fmt.Fprintf(out, "  %s: %s\n", l.name, l.text)
		}
	}
	for _, cve := range e.CVEs {
		fmt.Fprintln(out, "  "+cve)
	}
	return nil
}

func explain(words []string, set syscalls.Caps, goarch string) (*explanation, error) {
	name := words[0]
	var args [6]uint64
	for i, w := range words[1:] {
		v, err := constant(w)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	e := &explanation{Call: name + "(" + strings.Join(words[1:], ", ") + ")"}
	s := syscalls.Lookup(name)
	if s == nil {
		e.Errno, e.Rule = "ENOSYS", "the table does not have it: the default action refuses what nobody has looked at"
		return e, nil
	}
	if _, ok := s.Number(goarch); !ok {
		return nil, fmt.Errorf("%s does not exist on %s", name, goarch)
	}
	errno := s.Decide(set, args)
	e.Allowed, e.Reason, e.Since, e.Back = errno == syscalls.Allowed, s.Reason, s.Since, capNames(s.Caps&^set)
	if !e.Allowed {
		e.Errno = unix.ErrnoName(unix.Errno(errno))
	} else if len(words) > 1 {
		e.Reason = "" // it is one for refusing
	}
	switch s.At(set) {
	case syscalls.Allow:
		e.Rule = "allowed whatever the arguments"
		switch {
		case s.Caps&set != 0:
			e.Rule += ", because of " + strings.Join(capNames(s.Caps&set), " ")
		case s.Loose:
			e.Rule += "; level strict looks at them"
		}
	case syscalls.Filter:
		e.filter(s, set, args, len(words) > 1)
	default:
		e.Rule = "refused whatever the arguments"
	}
	for _, c := range syscalls.CVEs {
		if c.Call == name && (len(words) == 1 || !e.Allowed && about(&c, args)) && (c.Level != syscalls.AtStrict || set&syscalls.Strict != 0) {
			e.CVEs = append(e.CVEs, c.ID+": "+c.What)
		}
	}
	return e, nil
}

// about reports whether a flaw is reached by a call with such arguments: with
// the values of its example that are not zero.
func about(c *syscalls.CVE, args [6]uint64) bool {
	for i, v := range c.Args {
		if v != 0 {
			return uint32(args[i]) == uint32(v)
		}
	}
	return true
}

// filter explains a call that is looked at by its arguments.
func (e *explanation) filter(s *syscalls.Syscall, set syscalls.Caps, args [6]uint64, given bool) {
	switch rule, refusal := s.Which(set, args); {
	case !given:
		e.Rule = "depends on the arguments; without any given they are taken as zero"
	case rule != nil:
		e.Rule = "by the rule: " + condition(rule.Conds)
		return
	case refusal != nil:
		e.Rule = "by the refusal: " + condition(refusal.Conds)
	default:
		e.Rule = "no rule allows these arguments"
	}
	for i := range s.Rules {
		if r := &s.Rules[i]; r.Counts(set) {
			e.Rules = append(e.Rules, condition(r.Conds))
		}
	}
}

// condition writes conditions for a reader.
func condition(conds []syscalls.Cond) string {
	var parts []string
	for _, c := range conds {
		arg := fmt.Sprintf("arg%d", c.Arg)
		if c.Mask != 0xffffffff {
			arg = fmt.Sprintf("arg%d & %#x", c.Arg, c.Mask)
		}
		word, values := "in", c.In
		if c.In == nil {
			word, values = "not in", c.NotIn
		}
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = fmt.Sprintf("%#x", v)
		}
		if len(texts) == 1 {
			word = strings.NewReplacer("not in", "!=", "in", "==").Replace(word)
			parts = append(parts, arg+" "+word+" "+texts[0])
			continue
		}
		parts = append(parts, arg+" "+word+" {"+strings.Join(texts, " ")+"}")
	}
	return strings.Join(parts, " and ")
}
