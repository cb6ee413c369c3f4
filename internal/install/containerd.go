// SPDX-License-Identifier: Apache-2.0

package install

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

const (
	containerdDir     = "/etc/containerd"
	containerdFile    = containerdDir + "/config.toml"
	containerdDropIn  = containerdDir + "/conf.d/runclad.toml"
	containerdRestart = "systemctl restart containerd"

	runningGoOn = "running containers go on"
)

// containerdPlan is how the handler gets to containerd.
//
// A drop-in, where the main file imports conf.d and containerd merges files key
// by key, which it does since 2.0; 1.x replaces a plugin's whole section by
// that of the imported file. Otherwise a marked block at the end of the main
// file.
type containerdPlan struct {
	base    []byte // the main file without what runclad added
	lead    string // a version line, for a file that has none because it is empty
	version int
	plugin  string
	lines   string // that make the handler, "" if all is there
	main    []byte // the main file as it shall be, nil for unchanged
	dropIn  []byte // nil for none
}

// containerdInstall plans both files.
func (j *job) containerdInstall() (part, error) {
	file := j.at(containerdFile)
	if !found(j.Programs.Containerd) {
		return part{}, fmt.Errorf("--containerd needs the containerd program to check %s with, and there is no %s", file, j.Programs.Containerd)
	}
	if err := notLink(file); err != nil {
		return part{}, err
	}
	p, err := j.containerdPlan()
	if err != nil {
		return part{}, fmt.Errorf("%s was left alone: %w", file, err)
	}
	if p.lines == "" {
		return part{events: []Event{{Action: Unchanged, File: file, Why: "the handler is there already"}}}, nil
	}
	out := part{effect: containerdRestart, consequence: runningGoOn}
	old, err := read(file)
	if err != nil {
		return part{}, err
	}
	switch {
	case p.dropIn != nil:
		out.edits = append(out.edits, edit{file: j.at(containerdDropIn), data: p.dropIn})
		if !bytes.Equal(old, p.base) { // a block of an earlier run has become one too many
			out.edits = append(out.edits, edit{file: file, data: p.base, backup: true})
		}
	default:
		out.edits = append(out.edits, edit{file: file, data: p.main, backup: true})
		if there, err := read(j.at(containerdDropIn)); err != nil {
			return part{}, err
		} else if there != nil {
			out.edits = append(out.edits, edit{file: j.at(containerdDropIn)})
		}
	}
	return out, nil
}

func (j *job) containerdPlan() (containerdPlan, error) {
	var p containerdPlan
	data, err := read(j.at(containerdFile))
	if err != nil {
		return p, err
	}
	p.base = withoutMarks(data)
	newest := j.containerdNewest()
	if err := p.readVersion(newest); err != nil {
		return p, err
	}
	w, err := j.containerdWork()
	if err != nil {
		return p, err
	}
	before, err := w.dump(p.leading(p.base), nil)
	if err != nil {
		return p, fmt.Errorf("it is broken already: %w", err)
	}
	shim, missing := j.shim(), true
	if binary, ok := before.option("runclad", "BinaryName"); ok {
		if binary != shim {
			return p, fmt.Errorf("it names another runclad, %q: change it by hand", binary)
		}
		missing = false
	}
	was, err := j.containerdIsDefault(w, data)
	if err != nil {
		return p, err
	}
	def := (j.Default || was) && before.defaultRuntime() != "runclad"
	if !missing && !def {
		return p, nil
	}
	systemd, _ := before.option("runc", "SystemdCgroup")
	handler := ""
	if missing {
		handler = containerdHandler(p.plugin, shim, systemd == true)
	}
	if importsConfD(p.base) && newest >= 3 {
		p.lines = handler
		if def {
			p.lines += defaultTable(p.plugin)
		}
		p.dropIn = fmt.Appendf(nil, "%sversion = %d\n%s", written, p.version, p.lines)
		after, err := w.dump(p.base, p.dropIn)
		if err != nil {
			return p, err
		}
		return p, before.keeps(after, def)
	}
	text := p.base
	if def {
		var done bool
		if text, done, err = setDefault(p.base, p.plugin); err != nil {
			return p, err
		}
		if !done {
			handler += defaultTable(p.plugin)
		}
	}
	try := func(lines string) error {
		p.lines, p.main = lines, p.block(text, lines)
		after, err := w.dump(p.main, nil)
		if err != nil {
			return err
		}
		return before.keeps(after, def)
	}
	first := try(handler)
	if first == nil || !missing {
		return p, first
	}
	// containerd 1.x forgets its built-in runc once any runtime is named.
	return p, try(fmt.Sprintf("[plugins.%q.containerd.runtimes.runc]\n  runtime_type = \"io.containerd.runc.v2\"\n", p.plugin) + handler)
}

// readVersion finds the version of the file and what follows from it.
func (p *containerdPlan) readVersion(newest int) error {
	var main struct {
		Version  int      `toml:"version"`
		Disabled []string `toml:"disabled_plugins"`
	}
	if err := toml.Unmarshal(p.base, &main); err != nil {
		return fmt.Errorf("it is broken already: %w", err)
	}
	if slices.ContainsFunc(main.Disabled, func(s string) bool { return s == "cri" || strings.HasSuffix(s, ".cri") }) {
		return errors.New("it disables the CRI plugin, so that nothing reads runtime handlers; Docker and ctr need no line in it")
	}
	p.version = main.Version
	if len(bytes.TrimSpace(p.base)) == 0 {
		p.version = min(newest, 3) // 3 is read by every containerd since 2.0
		p.lead = fmt.Sprintf("version = %d\n", p.version)
	}
	switch p.version {
	case 0, 1:
		return errors.New("it has configuration version 1 (or no version line), which containerd gives up; convert it with `containerd config migrate` first")
	case 2:
		p.plugin = "io.containerd.grpc.v1.cri"
	case 3, 4:
		p.plugin = "io.containerd.cri.v1.runtime"
	default:
		return fmt.Errorf("configuration version %d is not known here", p.version)
	}
	return nil
}

// leading is a text with the version line that it needs.
func (p *containerdPlan) leading(text []byte) []byte { return append([]byte(p.lead), text...) }

// block is the main file with our block at its end.
func (p *containerdPlan) block(text []byte, lines string) []byte {
	out := bytes.Clone(text)
	if lines == "" {
		return out
	}
	if len(out) > 0 && !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, '\n')
	}
	return append(out, blockBegin+"\n"+p.lead+lines+blockEnd+"\n"...)
}

func containerdHandler(plugin, shim string, systemd bool) string {
	lines := fmt.Sprintf(`[plugins.%q.containerd.runtimes.runclad]
  runtime_type = "io.containerd.runc.v2"
[plugins.%q.containerd.runtimes.runclad.options]
  BinaryName = %q
`, plugin, plugin, shim)
	if systemd {
		lines += "  SystemdCgroup = true\n"
	}
	return lines
}

func defaultTable(plugin string) string {
	return fmt.Sprintf("[plugins.%q.containerd]\n  default_runtime_name = \"runclad\"\n", plugin)
}

// containerdNewest is the configuration version that the program writes, 0 if
// it does not say.
func (j *job) containerdNewest() int {
	out, err := exec.Command(j.Programs.Containerd, "config", "default").Output()
	if err != nil {
		return 0
	}
	var v struct {
		Version int `toml:"version"`
	}
	if toml.Unmarshal(out, &v) != nil {
		return 0
	}
	return v.Version
}

// containerdIsDefault tells whether an earlier run made runclad the default,
// which then stays so.
func (j *job) containerdIsDefault(w containerdWork, main []byte) (bool, error) {
	dropIn, err := read(j.at(containerdDropIn))
	if err != nil || (dropIn == nil && bytes.Equal(main, withoutMarks(main))) {
		return false, err
	}
	now, err := w.dump(main, dropIn)
	if err != nil {
		return false, fmt.Errorf("it is broken already: %w", err)
	}
	return now.defaultRuntime() == "runclad", nil
}

// importsConfD tells whether the file itself imports conf.d. (The imports that
// containerd 2.2 and later show as their default are not acted upon when the
// file does not repeat them; seen with 2.4.2.)
func importsConfD(main []byte) bool {
	var f struct {
		Imports []string `toml:"imports"`
	}
	return toml.Unmarshal(main, &f) == nil &&
		slices.ContainsFunc(f.Imports, func(s string) bool { return s == "conf.d/*.toml" || s == containerdDir+"/conf.d/*.toml" })
}

// containerdRemove gives the files back.
func (j *job) containerdRemove() (part, error) {
	p, err := j.ours(containerdDropIn, []byte(written))
	if err != nil {
		return part{}, err
	}
	p.effect, p.consequence = containerdRestart, runningGoOn
	file := j.at(containerdFile)
	data, err := read(file)
	if err != nil {
		return part{}, err
	}
	base := withoutMarks(data)
	if bytes.Equal(data, base) {
		return p, nil
	}
	for _, b := range backups(file) {
		old, err := read(b)
		if err != nil {
			return part{}, err
		}
		if bytes.Equal(bytes.TrimSuffix(old, []byte("\n")), bytes.TrimSuffix(base, []byte("\n"))) {
			p.edits = append(p.edits, edit{file: file, data: old, forget: true})
			return p, nil
		}
	}
	if len(bytes.TrimSpace(base)) == 0 {
		p.edits = append(p.edits, edit{file: file}) // it held our block alone
		return p, nil
	}
	// The version of a file that the installer began stands in the block.
	if v := blockVersion(data); v != "" {
		base = append([]byte(v+"\n"), base...)
	}
	if found(j.Programs.Containerd) {
		w, err := j.containerdWork()
		if err == nil {
			_, err = w.dump(base, nil)
		}
		if err != nil {
			return part{}, fmt.Errorf("%s was left alone: without the block containerd does not accept it: %w", file, err)
		}
	}
	p.edits = append(p.edits, edit{file: file, data: base, backup: true})
	return p, nil
}

func (j *job) containerdHint() (string, error) {
	p, err := j.containerdPlan()
	switch {
	case err != nil:
		return fmt.Sprintf("(config.toml needs a look first: %v)", err), nil
	case p.lines == "":
		return there, nil
	}
	return p.lead + p.lines, nil
}
