// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/argv"
	"github.com/runclad/runclad/internal/audit"
	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
)

// report says why the runtime was not executed: one line in the engine's log,
// the same text on stderr (conmon reads that, containerd's shim does not), and, for a
// call that is about a container, one line in the audit log. It returns the exit
// code.
func (s *shim) report(err error) int {
	text := s.sentence(err)
	if file := s.call.LogPath(); file != "" {
		writeLog(file, s.call.LogFormat, text)
	}
	_, _ = os.Stderr.WriteString(text + "\n")
	if s.call.Verb.Guarded() {
		decision := audit.Failed
		if refused(err) {
			decision = audit.Refused
		}
		e := s.entry(decision)
		e.Reason, e.Controls, e.Allow = text, controlsOf(err), allowOf(err)
		e.Changes = nil // none was made
		_ = s.auditLog().Append(e.Line())
	}
	return s.exitCode()
}

// sentence is one line. A refusal also tells how this workload alone can be let
// pass, and which rules would have been for it: an exemption that has expired is
// most often the reason.
func (s *shim) sentence(err error) string {
	verdict, reason := "runclad: ", err.Error()
	if refused(err) {
		verdict = "runclad refused " + s.call.Command + s.under() + ": "
		if s.exemptible(err) {
			reason += " (for this workload alone: runcladctl exempt NAME --from-refusal " + short(s.call.ID) + ")"
		}
		if len(s.decision.Notes) > 0 {
			reason += ". Note: " + strings.Join(s.decision.Notes, "; ")
		}
	}
	return verdict + reword(strings.ReplaceAll(reason, "\n", " "))
}

// exemptible reports whether runcladctl(8) can make an exemption of the refusal:
// one of a create, with a line of the policy against each reason, and of a
// workload that its engine names.
func (s *shim) exemptible(err error) bool {
	creates := s.call.Verb == argv.Create || s.call.Verb == argv.Run || s.call.Verb == argv.Restore
	w := &s.workload
	named := w.Name != "" || w.Pod != "" || w.Image != "" || w.ImageID != ""
	rs := refusalsOf(err)
	return creates && named && len(rs) > 0 && !slices.ContainsFunc(rs, func(r *control.Refusal) bool { return r.Allow == "" })
}

// short is the beginning of an ID by which people name a container.
func short(id string) string { return id[:min(len(id), 12)] }

// under names the rule by which the container was judged.
func (s *shim) under() string {
	r := s.decision.Rule
	if r == nil || r.Mode == policy.ModeRefuse { // whose error names it
		return ""
	}
	return " (rule " + r.Name + ", profile " + r.Profile + ")"
}

// reword takes out the phrases from which Docker derives exit codes 126 and 127
// (whatever their case), and others the state of a container: an error of our
// own must not be taken for the container's. Paths and values of the spec's
// choosing are part of the text, too.
func reword(text string) string {
	text = strings.ToValidUTF8(text, "?")
	for _, w := range [...][2]string{
		{"permission denied", "EACCES"},
		{"no such file or directory", "ENOENT"},
		{"not a directory", "ENOTDIR"},
		{"executable file not found", "program missing"},
		{"no such process", "ESRCH"},
		{"does not exist", "is missing"},
		{"container not running", "not running"},
	} {
		for {
			i := strings.Index(lower(text), w[0])
			if i < 0 {
				break
			}
			text = text[:i] + w[1] + text[i+len(w[0]):]
		}
	}
	return text
}

// lower is ASCII only, so that places in the result are places in the text.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

// writeLog appends one line in the form that the runtime would have used:
// logrus's JSON or text.
func writeLog(file, format, text string) {
	fd, err := unix.Open(file, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return // stderr has it
	}
	defer unix.Close(fd)
	now := time.Now().UTC().Format(time.RFC3339)
	line := spec.Map(spec.M("level", spec.Text("error")), spec.M("msg", spec.Text(text)), spec.M("time", spec.Text(now))).String()
	if format != "json" {
		line = `time="` + now + `" level=error msg=` + spec.Text(text).String()
	}
	_, _ = unix.Write(fd, []byte(line+"\n"))
}
