// SPDX-License-Identifier: Apache-2.0

package install

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// containerdWork is a folder in which containerd reads the configuration as it
// would be.
type containerdWork struct{ program, dir string }

func (j *job) containerdWork() (containerdWork, error) {
	dir, err := j.dir()
	if err == nil {
		dir, err = os.MkdirTemp(dir, "containerd-")
	}
	if err != nil {
		return containerdWork{}, err
	}
	w := containerdWork{program: j.Programs.Containerd, dir: dir}
	if err := os.Mkdir(filepath.Join(dir, "conf.d"), 0o700); err != nil {
		return w, err
	}
	link := func(from, to string, leaveOut ...string) error {
		entries, err := os.ReadDir(j.at(from))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			if slices.Contains(leaveOut, e.Name()) {
				continue
			}
			if err := os.Symlink(filepath.Join(j.at(from), e.Name()), filepath.Join(dir, to, e.Name())); err != nil {
				return err
			}
		}
		return nil
	}
	if err := link(containerdDir, "", "config.toml", "conf.d"); err != nil {
		return w, err
	}
	return w, link(containerdDir+"/conf.d", "conf.d", "runclad.toml")
}

// dump is containerd's own reading of a main file and our drop-in.
func (w containerdWork) dump(main, dropIn []byte) (settings, error) {
	main = bytes.ReplaceAll(main, []byte(`"`+containerdDir+"/conf.d/"), []byte(`"`+w.dir+"/conf.d/"))
	main = bytes.ReplaceAll(main, []byte(`'`+containerdDir+"/conf.d/"), []byte(`'`+w.dir+"/conf.d/"))
	for name, data := range map[string][]byte{"config.toml": main, "conf.d/runclad.toml": dropIn} {
		file := filepath.Join(w.dir, name)
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return settings{}, err
		}
		if data == nil {
			continue
		}
		if err := write(file, data, 0o600, -1, -1); err != nil {
			return settings{}, err
		}
	}
	cmd := exec.Command(w.program, "--config", filepath.Join(w.dir, "config.toml"), "config", "dump")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return settings{}, fmt.Errorf("%w: %s%s", err, bytes.TrimSpace(stderr.Bytes()), bytes.TrimSpace(out))
	}
	return readSettings(out)
}

// settings are the values of a configuration by their path.
type settings map[string]any

// sep stands between the names of a path: none of containerd's has it.
const sep = "\x00"

func readSettings(text []byte) (settings, error) {
	var tree map[string]any
	if err := toml.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("containerd's own dump: %w", err)
	}
	delete(tree, "imports") // where this reading took place
	s := settings{}
	s.add("", tree)
	return s, nil
}

func (s settings) add(path string, v any) {
	if table, ok := v.(map[string]any); ok {
		for k, v := range table {
			s.add(path+sep+k, v)
		}
		return
	}
	s[path] = v
}

// option is what a runtime's options say; the name of the plugin depends on the
// version.
func (s settings) option(runtime, name string) (any, bool) {
	for path, v := range s {
		if strings.HasSuffix(path, sep+strings.Join([]string{"containerd", "runtimes", runtime, "options", name}, sep)) {
			return v, true
		}
	}
	return nil, false
}

func (s settings) defaultRuntime() string {
	for path, v := range s {
		if isDefault(path) {
			name, _ := v.(string)
			return name
		}
	}
	return ""
}

func isDefault(path string) bool {
	return strings.HasSuffix(path, sep+"containerd"+sep+"default_runtime_name")
}

// keeps is nil if after has all that s has and nothing new but the handler.
func (s settings) keeps(after settings, def bool) error {
	if _, ok := after.option("runclad", "BinaryName"); !ok {
		return errors.New("containerd does not see the handler")
	}
	if def && after.defaultRuntime() != "runclad" {
		return errors.New("containerd does not take it as the default")
	}
	var lost, new []string
	for path, v := range s {
		switch got, ok := after[path]; {
		case ok && fmt.Sprint(got) == fmt.Sprint(v), def && isDefault(path):
		// 1.x shows no options for a runtime that the file names without any.
		case !ok && isZero(v) && strings.Contains(path, sep+"runtimes"+sep+"runc"+sep):
		default:
			lost = append(lost, fmt.Sprintf("%s = %v", dotted(path), v))
		}
	}
	for path, v := range after {
		if _, ok := s[path]; !ok && !strings.Contains(path, sep+"runtimes"+sep+"runc") && !(def && isDefault(path)) {
			new = append(new, fmt.Sprintf("%s = %v", dotted(path), v))
		}
	}
	slices.Sort(lost)
	slices.Sort(new)
	switch {
	case len(lost) > 0:
		return fmt.Errorf("these settings would be lost:\n%s", strings.Join(lost, "\n"))
	case len(new) > 0:
		return fmt.Errorf("these settings would be new:\n%s", strings.Join(new, "\n"))
	}
	return nil
}

func isZero(v any) bool {
	switch v := v.(type) {
	case []any:
		return len(v) == 0
	default:
		return v == nil || v == "" || v == false || v == int64(0)
	}
}

// dotted is a path for people.
func dotted(path string) string {
	names := strings.Split(strings.TrimPrefix(path, sep), sep)
	for i, n := range names {
		if strings.Contains(n, ".") {
			names[i] = strconv.Quote(n)
		}
	}
	return strings.Join(names, ".")
}
