// SPDX-License-Identifier: Apache-2.0

package install

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/runclad/runclad/deploy"
)

// job is one call of Install or Uninstall.
type job struct {
	Options
	report func(Event)
	stamp  string // of the copies
	tmp    string // what the engines are given to read, "" while nothing is
}

// begin checks the options. The caller calls end.
func begin(o Options, report func(Event)) (*job, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return &job{Options: o, report: report, stamp: time.Now().UTC().Format("20060102T150405Z")}, nil
}

func (j *job) end() error {
	if j.tmp == "" {
		return nil
	}
	return os.RemoveAll(j.tmp)
}

// dir is the job's folder, made when it is first needed: where only the
// programs are installed, there may be none that can be written.
func (j *job) dir() (string, error) {
	if j.tmp == "" {
		dir, err := os.MkdirTemp("", "runclad-install-")
		if err != nil {
			return "", err
		}
		j.tmp = dir
	}
	return j.tmp, nil
}

// scratch writes a file that a program shall read.
func (j *job) scratch(name string, data []byte) (string, error) {
	dir, err := j.dir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, name)
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return file, write(file, data, 0o600, -1, -1)
}

// Install names runclad to the engines that are asked for. Nothing is written
// unless all of them accept what they would read.
func Install(o Options, report func(Event)) (err error) {
	j, err := begin(o, report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.end()) }()

	var parts []part
	for _, s := range []struct {
		wanted bool
		plan   func() (part, error)
	}{
		{true, j.programs},
		{o.Policy, j.policy},
		{o.Logrotate, func() (part, error) {
			return part{edits: []edit{{file: j.at(logrotateFile), data: deploy.Logrotate}}}, nil
		}},
		{o.Docker, j.dockerInstall},
		{o.Containerd, j.containerdInstall},
		{o.Podman, j.podmanInstall},
		{o.CRIO, j.crioInstall},
	} {
		if !s.wanted {
			continue
		}
		p, err := s.plan()
		if err != nil {
			return err
		}
		for _, e := range p.edits { // a link in a file's place, say
			if _, err := e.changes(); err != nil {
				return err
			}
		}
		parts = append(parts, p)
	}
	if !o.DryRun {
		if err := os.MkdirAll(j.at(filepath.Dir(policyFile)), 0o755); err != nil {
			return err
		}
	}
	for _, p := range parts {
		if err := j.apply(p); err != nil {
			return err
		}
	}
	return j.hints()
}

// policy is written only where there is none.
func (j *job) policy() (part, error) {
	file := j.at(policyFile)
	if _, err := os.Lstat(file); err == nil {
		return part{events: []Event{{Action: Kept, File: file}}}, nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return part{}, err
	}
	return part{edits: []edit{{file: file, data: deploy.Policy}}}, nil
}

const there = "(there already)"

// hints are the lines for the engines that are here and were not asked for.
func (j *job) hints() error {
	for _, h := range []struct {
		asked         bool
		program, what string
		lines         func() (string, error)
	}{
		{j.Docker, j.Programs.Dockerd, "Docker: merge into " + dockerFile + " (--docker does), then " + dockerReload + ":", j.dockerHint},
		{j.Containerd, j.Programs.Containerd, "containerd: add to " + containerdFile + " (--containerd does), then " + containerdRestart + ":", j.containerdHint},
		{j.Podman, j.Programs.Podman, "Podman: write " + podmanFile + " (--podman does):", func() (string, error) { return j.podmanLines(), nil }},
		{j.CRIO, j.Programs.CRIO, "CRI-O: write " + crioFile + " (--crio does), then systemctl restart crio:", func() (string, error) { return j.crioLines(false), nil }},
	} {
		if h.asked || !found(h.program) {
			continue
		}
		lines, err := h.lines()
		if err != nil {
			return err
		}
		j.report(Event{Action: Hint, Why: h.what, Text: lines})
	}
	return nil
}

// removal is what uninstalling takes from the engines.
func (j *job) removal() ([]part, error) {
	var parts []part
	for _, plan := range []func() (part, error){
		j.dockerRemove,
		j.containerdRemove,
		func() (part, error) { return j.ours(podmanFile, []byte(written)) }, // read at each call of Podman
		func() (part, error) {
			p, err := j.ours(crioFile, []byte(written))
			p.effect, p.consequence = "systemctl restart crio", runningGoOn
			return p, err
		},
	} {
		p, err := plan()
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// ErrDepends is that something still needs runclad.
var ErrDepends = errors.New("runclad is still needed here")

// Check reports what still needs runclad: containers, and engines that know it.
// It returns [ErrDepends] if anything does, and changes nothing.
func Check(o Options, report func(Event)) (err error) {
	o.DryRun = true
	j, err := begin(o, report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.end()) }()
	needs := j.dependents()
	parts, err := j.removal()
	if err != nil {
		return err
	}
	for _, p := range parts {
		for _, e := range p.edits {
			if yes, err := e.changes(); err != nil {
				return err
			} else if yes {
				needs = append(needs, e.file+" names it")
			}
		}
	}
	for _, d := range needs {
		report(Event{Action: Depends, Text: d})
	}
	if len(needs) > 0 {
		return ErrDepends
	}
	report(Event{Action: Note, Text: "nothing here depends on runclad"})
	return nil
}

// Uninstall takes back what Install did. The policy and the audit log stay. As
// long as containers depend on the shim, their engines stop and remove them
// through it: then nothing is done, or, where that is asked for, the programs
// stay.
func Uninstall(o Options, report func(Event)) (err error) {
	j, err := begin(o, report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.end()) }()

	needed := j.dependents()
	for _, d := range needed {
		report(Event{Action: Depends, Text: d})
	}
	if len(needed) > 0 && !o.Force && !o.KeepPrograms {
		return fmt.Errorf("%w: the engines of these containers stop and remove them through it; remove them first, or take the engines' lines back and keep the programs with --force", ErrDepends)
	}
	parts, err := j.removal()
	if err != nil {
		return err
	}
	programs, why := j.removePrograms()
	switch {
	case o.KeepPrograms:
		why = "as asked for"
	case len(needed) > 0:
		why = "the containers above are stopped and removed through it; once they are gone, uninstall again"
	}
	if why != "" {
		if _, err := os.Stat(j.at(j.shim())); err == nil {
			programs = part{events: []Event{{Action: Kept, File: j.at(j.shim()), Why: why}}}
		}
	} else {
		rotate, err := j.ours(logrotateFile, deploy.Logrotate)
		if err != nil {
			return err
		}
		programs.edits = append(rotate.edits, programs.edits...)
		programs.events = append(programs.events, rotate.events...)
	}
	for _, p := range append(parts, programs) {
		if err := j.apply(p); err != nil {
			return err
		}
	}
	if o.DryRun {
		return nil
	}
	if err := os.Remove(j.at(filepath.Dir(policyFile))); err != nil && !errors.Is(err, os.ErrNotExist) {
		report(Event{Action: Kept, File: j.at(filepath.Dir(policyFile)), Why: "not empty"})
	}
	if log := j.at("/var/log/runclad"); exists(log) {
		report(Event{Action: Kept, File: log})
	}
	return nil
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// ---- the programs -----------------------------------------------------------

// packaged is in the packages: what they own is theirs to remove.
func (j *job) packaged() bool { return exists(j.at(filepath.Join(j.Prefix, "share/runclad/packaged"))) }

// programs puts the programs and their manual in place, or makes sure that they
// are there.
func (j *job) programs() (part, error) {
	var p part
	if j.From == "" {
		if !exists(j.at(j.shim())) {
			return p, fmt.Errorf("there is no %s: --prefix says where runclad is", j.at(j.shim()))
		}
		return p, nil
	}
	if j.packaged() {
		return p, fmt.Errorf("the programs below %s belong to a package: upgrade that, or choose another --prefix", j.Prefix)
	}
	manual, _ := filepath.Glob(filepath.Join(j.From, "docs/man/*.[58]")) // the pattern is a good one
	files := map[string]string{}
	names := []string{"bin/runclad", "bin/runcladctl"}
	for _, name := range names {
		files[name] = filepath.Join(j.From, name)
	}
	for _, f := range manual {
		name := "share/man/man" + strings.TrimPrefix(filepath.Ext(f), ".") + "/" + filepath.Base(f)
		names, files[name] = append(names, name), f
	}
	for _, name := range names {
		data, err := os.ReadFile(files[name])
		if err != nil {
			return p, err
		}
		e := edit{file: j.at(filepath.Join(j.Prefix, name)), data: data, program: true, mode: 0o644}
		if strings.HasPrefix(name, "bin/") {
			e.mode = 0o755
		}
		p.edits = append(p.edits, e)
	}
	if j.Root == "" {
		p.check = func() error { // a runtime that is missing is no reason to go back
			if err := ask(j.shim(), "--version"); err != nil {
				j.report(Event{Action: Note, Text: err.Error()})
			}
			return nil
		}
	}
	return p, nil
}

// removePrograms is the counterpart of programs. It says why they stay, if they
// do.
func (j *job) removePrograms() (part, string) {
	if j.packaged() {
		return part{}, "it belongs to a package: apt remove runclad, or dnf remove runclad"
	}
	var p part
	for _, pattern := range []string{"share/man/man5/runclad*.5", "share/man/man8/runclad*.8", "bin/runcladctl", "bin/runclad"} {
		files, _ := filepath.Glob(j.at(filepath.Join(j.Prefix, pattern))) // the pattern is a good one
		for _, f := range files {
			p.edits = append(p.edits, edit{file: f})
		}
	}
	return p, ""
}
