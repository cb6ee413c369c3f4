// SPDX-License-Identifier: Apache-2.0

package install

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
)

// Docker has no drop-ins: the one file is changed.
const dockerFile = "/etc/docker/daemon.json"

const dockerReload = "systemctl reload docker"

// dockerText is what dockerd reads in a file: it takes an empty one for {}.
func dockerText(data []byte) []byte {
	if len(bytes.TrimSpace(data)) == 0 {
		return []byte("{}\n")
	}
	return data
}

// dockerValid is nil if the text is one JSON object that dockerd accepts, as
// far as this one can say so: --validate exists since Docker 23.
func (j *job) dockerValid(text []byte) error {
	if _, err := parseObject(text); err != nil {
		return err
	}
	dockerd := j.Programs.Dockerd
	if !found(dockerd) { // as in an image that is being built
		return nil
	}
	if help, err := exec.Command(dockerd, "--help").Output(); err != nil || !bytes.Contains(help, []byte("--validate")) {
		return err
	}
	file, err := j.scratch("daemon.json", text)
	if err != nil {
		return err
	}
	return ask(dockerd, "--validate", "--config-file", file)
}

func (j *job) dockerInstall() (part, error) {
	file := j.at(dockerFile)
	data, err := read(file)
	if err != nil {
		return part{}, err
	}
	text := dockerText(data)
	if err := j.dockerValid(text); err != nil {
		return part{}, fmt.Errorf("%s is broken already and was left alone: %w", file, err)
	}
	changed, err := set(text, "{\"path\":"+strconv.Quote(j.shim())+"}", "runtimes", "runclad")
	if err == nil && j.Default {
		changed, err = set(changed, `"runclad"`, "default-runtime")
	}
	if err == nil {
		err = j.dockerValid(changed)
	}
	if err != nil {
		return part{}, fmt.Errorf("%s was left alone: Docker does not accept the change: %w", file, err)
	}
	if data != nil && sameJSON(text, changed) {
		changed = data
	}
	return part{
		edits:  []edit{{file: file, data: changed, backup: true}},
		effect: dockerReload, consequence: "no container is stopped",
	}, nil
}

func (j *job) dockerRemove() (part, error) {
	file := j.at(dockerFile)
	data, err := read(file)
	if err != nil {
		return part{}, err
	}
	text := dockerText(data)
	if err := j.dockerValid(text); err != nil {
		if !bytes.Contains(data, []byte("runclad")) {
			return part{}, nil
		}
		return part{}, fmt.Errorf("%s is broken and was left alone: %w", file, err)
	}
	names, err := namesRunclad(text)
	if err != nil || !names {
		return part{}, err
	}
	original, err := dockerOriginal(file)
	if err != nil {
		return part{}, err
	}
	before := dockerText(original)
	stripped, err := dockerStrip(text, before)
	if err != nil {
		return part{}, fmt.Errorf("%s was left alone: %w", file, err)
	}
	e := edit{file: file, data: stripped, backup: true}
	if sameJSON(stripped, before) { // original is nil where install made the file
		e = edit{file: file, data: original, forget: true}
	} else if err := j.dockerValid(stripped); err != nil {
		return part{}, fmt.Errorf("%s was left alone: %w", file, err)
	}
	return part{
		edits: []edit{e}, effect: dockerReload,
		consequence: "containers created with --runtime runclad do not start any more: create them anew",
	}, nil
}

// namesRunclad tells whether a daemon.json makes the runtime known or the
// default.
func namesRunclad(text []byte) (bool, error) {
	v, err := lookup(text, "runtimes", "runclad")
	if v != nil || err != nil {
		return v != nil, err
	}
	def, err := lookup(text, "default-runtime")
	return string(def) == `"runclad"`, err
}

// dockerOriginal is what the file was before runclad: the newest copy that does
// not name it.
func dockerOriginal(file string) ([]byte, error) {
	for _, b := range backups(file) {
		data, err := read(b)
		if err != nil {
			return nil, err
		}
		if names, err := namesRunclad(dockerText(data)); err == nil && !names {
			return data, nil
		}
	}
	return nil, nil
}

// dockerStrip takes runclad out of a text. What it was before decides what the
// default was, and whether the table of runtimes was there.
func dockerStrip(text, before []byte) ([]byte, error) {
	out, err := unset(text, "runtimes", "runclad")
	if err != nil {
		return nil, err
	}
	left, err := lookup(out, "runtimes")
	if err != nil {
		return nil, err
	}
	had, err := lookup(before, "runtimes")
	if err != nil {
		return nil, err
	}
	if left != nil && had == nil && sameJSON(left, []byte("{}")) {
		if out, err = unset(out, "runtimes"); err != nil {
			return nil, err
		}
	}
	def, err := lookup(out, "default-runtime")
	if err != nil || string(def) != `"runclad"` {
		return out, err
	}
	was, err := lookup(before, "default-runtime")
	if err != nil {
		return nil, err
	}
	if was == nil {
		return unset(out, "default-runtime")
	}
	return set(out, string(was), "default-runtime")
}

func (j *job) dockerHint() (string, error) {
	data, err := read(j.at(dockerFile))
	if err != nil {
		return "", err
	}
	if names, err := namesRunclad(dockerText(data)); err == nil && names {
		return there, nil
	}
	return fmt.Sprintf(`{ "runtimes": { "runclad": { "path": %q } } }`, j.shim()), nil
}

// found tells whether a program is there to be asked.
func found(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// ask runs a program that says by its status whether it accepts something. The
// error is what it printed.
func ask(program string, args ...string) error {
	out, err := exec.Command(program, args...).CombinedOutput()
	var status *exec.ExitError
	if errors.As(err, &status) && len(bytes.TrimSpace(out)) > 0 {
		return errors.New(string(bytes.TrimSpace(out)))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	return nil
}
