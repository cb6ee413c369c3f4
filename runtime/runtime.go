// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"errors"
	"os"
	"path"
	goruntime "runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/argv"
	"github.com/runclad/runclad/internal/audit"
	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/harden"
	"github.com/runclad/runclad/internal/hook"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/stage"
	"github.com/runclad/runclad/internal/workload"
)

// AuditFile is where decisions are written to. The policy's place is
// policy.File, the run state's record.DefaultDir.
const AuditFile = "/var/log/runclad/audit.jsonl"

// Main is the whole of the shim. It returns only if there was nothing to hand
// off to, or a reason not to: the exit code is then 1, for exec 255, as runc's.
func Main(args []string) int {
	// The mount namespace of stage is a thread's, and execve(2) takes that of
	// the thread that calls it.
	goruntime.LockOSThread()
	if path.Base(args[0]) == hook.Name {
		return hook.Main(args[1:])
	}
	s := &shim{args: args, began: time.Now()}
	deepen(false)
	err := s.line()
	if err == nil {
		return 0
	}
	s.undo()
	var code exited
	if errors.As(err, &code) {
		return int(code)
	}
	return s.report(err)
}

// deepen has the stack grow once to the size that a create needs, instead of
// being doubled and copied time and again: a function's frame must fit before it
// begins. The frame itself is touched only if use is set, which it never is.
//
//go:noinline
func deepen(use bool) byte {
	if !use {
		return 0
	}
	var frame [40 << 10]byte
	for i := range frame {
		frame[i] = byte(i)
	}
	return frame[len(os.Args)]
}

// shim is one call of the runtime on its way down the line.
type shim struct {
	args  []string
	began time.Time
	store record.Store

	target   target            // the real runtime
	call     argv.Invocation   // parse
	file     *spec.File        // load: config.json; nil for exec
	doc      *spec.Document    // load: what gets hardened
	workload workload.Workload // identify
	policy   *policy.Policy    // consult
	decision policy.Decision   // consult: the rule that matched
	profile  *policy.Profile   // consult: the rule's, as the workload's own requests change it
	plan     *harden.Plan      // decide
	record   *record.Record    // decide: what later calls will find
	files    []record.File     // decide: passwd, group, and the name of the network namespace
	idmap    *stage.IDs        // stage: how owners are shown in a user namespace
	entered  bool              // stage: there is a mount namespace of the shim's own
	adrift   error             // stage: binds of which nobody knows what the runtime would mount
	notes    []string          // what is odd and was let pass
	dry      bool              // nothing is mounted: the line is walked to say what would be done
	preview  bool              // and nothing is claimed either
	would    error             // audit mode: what would have stopped the container
	undoing  []func()          // taken back in reverse if a later verb fails
}

// line walks from the arguments to the hand-off.
func (s *shim) line() error {
	if err := s.parse(); err != nil {
		return err
	}
	switch s.call.Verb {
	case argv.PassThrough:
		return s.handOff(s.args[1:])
	case argv.Version:
		return s.version()
	case argv.Features:
		return s.features()
	case argv.Start:
		return s.start()
	case argv.Exec:
		return s.exec()
	default:
		return s.container()
	}
}

// container is the line of create, run and restore.
func (s *shim) container() error {
	if err := s.walk(s.load, s.identify, s.consult); err != nil {
		return err
	}
	switch {
	case s.profile.HandOff:
		return s.exempt()
	case s.decision.Mode == policy.ModeAudit:
		return s.observe()
	}
	if err := s.walk(s.admit, s.decide, s.stage, s.apply, s.hold, s.remember, s.block, s.write, s.ownStdio, s.shieldNull, s.log); err != nil {
		return err
	}
	return s.handOff(s.call.Argv())
}

// walk goes from verb to verb up to the first that fails.
func (s *shim) walk(verbs ...func() error) error {
	for _, verb := range verbs {
		if err := verb(); err != nil {
			return err
		}
	}
	return nil
}

// apply runs the steps, and verifies what they made.
func (s *shim) apply() error { return harden.Container(s.doc, s.plan) }

// write puts the hardened document in the place of the engine's.
func (s *shim) write() error {
	if err := s.file.Replace(s.doc.Bytes()); err != nil {
		return err
	}
	s.onFailure(func() { _ = s.file.Restore() })
	return nil
}

// log appends the audit line.
func (s *shim) log() error { return s.logAs(audit.Hardened) }

// logAs appends the audit line of a decision. With audit = "required" a
// container without a line does not start.
func (s *shim) logAs(decision string) error {
	e := s.entry(decision)
	if s.would != nil {
		e.Reason, e.Controls, e.Allow, e.Changes = s.sentence(s.would), controlsOf(s.would), allowOf(s.would), nil
	}
	if err := s.auditLog().Append(e.Line()); err != nil && s.policy.Audit == policy.AuditRequired {
		return err
	}
	return nil
}

func (s *shim) auditLog() audit.Log {
	return audit.Log{File: AuditFile, Fallback: record.DefaultDir + "/audit.jsonl"}
}

// onFailure says how to take back what was just done.
func (s *shim) onFailure(undo func()) { s.undoing = append(s.undoing, undo) }

func (s *shim) undo() {
	for i := len(s.undoing) - 1; i >= 0; i-- {
		s.undoing[i]()
	}
	s.undoing = nil
}

// entry is the audit line of this call as far as it got.
func (s *shim) entry(decision string) *audit.Entry {
	e := &audit.Entry{
		Time: s.began, Decision: decision, Verb: s.call.Command, Container: s.call.ID,
		Workload: s.workload, Notes: s.notes, Duration: time.Since(s.began),
	}
	if s.policy != nil {
		e.Policy = s.policy.Source()
	}
	if s.profile != nil {
		e.Profile, e.Exemptions = s.profile.Name, s.profile.Warnings()
	}
	if s.decision.Rule != nil {
		e.Rule = s.decision.Rule.Name
	} else if s.record != nil {
		e.Rule = s.record.Rule // that of create
	}
	switch {
	case s.plan != nil && (s.record != nil || s.call.Verb == argv.Exec):
		e.UID, e.GID = &s.plan.UID, &s.plan.GID
	case s.record != nil && s.record.Mode == record.ModeExempted:
		e.UID, e.GID = &s.record.UID, &s.record.GID
	}
	if s.doc != nil {
		e.Notes = append(e.Notes, s.doc.Warnings()...)
		e.Changes = s.doc.Changes()
	}
	if s.record != nil {
		e.Block = s.record.Block
	}
	return e
}

// refused reports whether an error is a decision rather than a mishap.
func refused(err error) bool {
	var rs control.Refusals
	var r *control.Refusal
	var call *argv.Error
	return errors.As(err, &rs) || errors.As(err, &r) || errors.As(err, &call)
}

// exitCode is runc's: 255 for exec, which engines tell from the program's own.
func (s *shim) exitCode() int {
	if s.call.Verb == argv.Exec {
		return 255
	}
	return 1
}

func workingDir() string {
	dir, err := unix.Getwd() // the kernel's; that of package os reads the environment first
	if err != nil {
		return "" // only a relative path in argv needs it, and argv says so
	}
	return dir
}
