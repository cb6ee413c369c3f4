// SPDX-License-Identifier: Apache-2.0

package install

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Files that are runclad's own: they come and go whole.
const (
	podmanFile    = "/etc/containers/containers.conf.d/runclad.conf"
	crioDir       = "/etc/crio/crio.conf.d"
	crioFile      = crioDir + "/90-runclad.conf"
	crioMain      = "/etc/crio/crio.conf"
	logrotateFile = "/etc/logrotate.d/runclad"
	policyFile    = "/etc/runclad/policy.toml"

	written = "# Written by runclad's installer; removed by runcladctl uninstall.\n"
)

func (j *job) podmanLines() string {
	return fmt.Sprintf("[engine.runtimes]\nrunclad = [%q]\n", j.shim())
}

func (j *job) podmanInstall() (part, error) {
	p := part{edits: []edit{{file: j.at(podmanFile), data: []byte(written + j.podmanLines())}}}
	podman := j.Programs.Podman
	// Was it in order before? Else the check would blame the drop-in.
	inOrder := found(podman) && j.Root == "" && ask(podman, "info") == nil
	if !inOrder {
		p.events = []Event{{Action: Note, Text: "Podman's reading of the drop-in is not checked: `podman --runtime runclad info` could not be asked"}}
		return p, nil
	}
	p.check = func() error {
		out, err := exec.Command(podman, "--runtime", "runclad", "info", "--format", "{{.Host.OCIRuntime.Path}}").CombinedOutput()
		if got := string(bytes.TrimSpace(out)); err != nil || got != j.shim() {
			return fmt.Errorf("the runtime runclad is not found by Podman at %s: %s", j.shim(), got)
		}
		return nil
	}
	return p, nil
}

func (j *job) crioLines(def bool) string {
	lines := ""
	if def {
		lines = "[crio.runtime]\ndefault_runtime = \"runclad\"\n"
	}
	return lines + fmt.Sprintf("[crio.runtime.runtimes.runclad]\nruntime_path = %q\nruntime_type = \"oci\"\nruntime_root = \"/run/runc\"\n", j.shim())
}

func (j *job) crioInstall() (part, error) {
	file := j.at(crioFile)
	old, err := read(file)
	if err != nil {
		return part{}, err
	}
	// As with the other engines: what an earlier run made the default stays it.
	def := j.Default || bytes.Contains(old, []byte("\ndefault_runtime = \"runclad\"\n"))
	text := written + j.crioLines(def)
	p := part{
		edits:  []edit{{file: file, data: []byte(text)}},
		effect: "systemctl restart crio", consequence: runningGoOn,
	}
	if !found(j.Programs.CRIO) {
		p.events = []Event{{Action: Note, Text: "CRI-O's reading of the drop-in is not checked: there is no crio program to ask"}}
		return p, nil
	}
	if err := j.crioValid(text); err != nil {
		return part{}, fmt.Errorf("CRI-O does not accept the drop-in, and nothing was written: %w", err)
	}
	return p, nil
}

// crioValid has crio read the configuration as it would be.
func (j *job) crioValid(text string) error {
	dir, err := j.dir()
	if err != nil {
		return err
	}
	dir = filepath.Join(dir, "crio.conf.d")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	others, _ := filepath.Glob(j.at(crioDir) + "/*") // the pattern is a good one
	for _, f := range others {
		if f == j.at(crioFile) {
			continue
		}
		if err := os.Symlink(f, filepath.Join(dir, filepath.Base(f))); err != nil {
			return err
		}
	}
	if _, err := j.scratch("crio.conf.d/"+filepath.Base(crioFile), []byte(text)); err != nil {
		return err
	}
	main := j.at(crioMain)
	if _, err := os.Stat(main); err != nil {
		if main, err = j.scratch("crio.conf", nil); err != nil {
			return err
		}
	}
	return ask(j.Programs.CRIO, "--config", main, "--config-dir", dir, "config")
}

// ours removes a file if runclad wrote it: what somebody else put there stays.
func (j *job) ours(file string, mark []byte) (part, error) {
	data, err := read(j.at(file))
	switch {
	case err != nil || data == nil:
		return part{}, err
	case !bytes.HasPrefix(data, mark) && !strings.HasPrefix(string(data), "# Written by runclad's install.sh"):
		return part{events: []Event{{Action: Kept, File: j.at(file), Why: "it is not as runclad wrote it"}}}, nil
	}
	return part{edits: []edit{{file: j.at(file)}}}, nil
}
