// SPDX-License-Identifier: Apache-2.0

package policytest

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/workload"
)

// File is a file of tests.
type File struct {
	Name string `toml:"-" yaml:"-"`
	// Policy names the files of the policy that is tested, from this file's
	// folder, in the order in which their rules are tried; none leaves the choice
	// to the caller.
	Policy []string `toml:"policy" yaml:"policy"`
	Tests  []Test   `toml:"test" yaml:"test"`
}

// Test is one workload and what the policy must say of it.
type Test struct {
	Name string `toml:"name" yaml:"name"`
	// At is the time at which rules may have expired, RFC 3339 or a date; "" for
	// now.
	At       string   `toml:"at" yaml:"at"`
	Workload Workload `toml:"workload" yaml:"workload"`
	Expect   Expect   `toml:"expect" yaml:"expect"`
	Line     int      `toml:"-" yaml:"-"`
}

// Workload is who the container is, by the names of a rule's match.
type Workload struct {
	Engine     string            `toml:"engine" yaml:"engine"`
	Namespace  string            `toml:"namespace" yaml:"namespace"`
	Pod        string            `toml:"pod" yaml:"pod"`
	Container  string            `toml:"container" yaml:"container"`
	Image      string            `toml:"image" yaml:"image"`
	ImageID    string            `toml:"image_id" yaml:"image_id"`
	Sandbox    bool              `toml:"sandbox" yaml:"sandbox"`
	Label      map[string]string `toml:"label" yaml:"label"`
	Annotation map[string]string `toml:"annotation" yaml:"annotation"`
	// Env is the environment, NAME=VALUE.
	Env []string `toml:"env" yaml:"env"`
}

// Expect is what must come of it. What is left out is not compared, but for
// Refused: then nothing may be.
type Expect struct {
	// Rule is the name of the one that decides, "" for none.
	Rule    *string `toml:"rule" yaml:"rule"`
	Profile *string `toml:"profile" yaml:"profile"`
	Mode    *string `toml:"mode" yaml:"mode"`
	// Refused are the controls that stand against it, in any order.
	Refused []string `toml:"refused" yaml:"refused"`
}

// Parse reads a file of tests: YAML by its name's ending, else TOML.
func Parse(name string, data []byte) (*File, error) {
	f := &File{Name: name}
	read := f.fromTOML
	switch filepath.Ext(name) {
	case ".yaml", ".yml":
		read = f.fromYAML
	}
	if err := read(data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(f.Tests) == 0 {
		return nil, fmt.Errorf("%s: it holds no test", name)
	}
	for i := range f.Tests {
		if err := f.Tests[i].check(); err != nil {
			return nil, fmt.Errorf("%s:%d: %s: %w", name, f.Tests[i].Line, f.Tests[i].Name, err)
		}
	}
	return f, nil
}

func (f *File) fromTOML(data []byte) error {
	err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(f)
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		line, _ := unknown.Errors[0].Position()
		return fmt.Errorf("line %d: unknown key %q", line, strings.Join(unknown.Errors[0].Key(), "."))
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		line, _ := bad.Position()
		return fmt.Errorf("line %d: %s", line, strings.TrimPrefix(bad.Error(), "toml: "))
	}
	if err != nil {
		return err
	}
	n, i := 0, 0
	for line := range bytes.Lines(data) {
		n++
		if strings.HasPrefix(strings.Join(strings.Fields(string(line)), ""), "[[test]]") && i < len(f.Tests) {
			f.Tests[i].Line = n
			i++
		}
	}
	return nil
}

func (f *File) fromYAML(data []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(f); err != nil {
		return errors.New(strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "\n", ""))
	}
	var lines struct {
		Test []yaml.Node `yaml:"test"`
	}
	if err := yaml.Unmarshal(data, &lines); err != nil {
		return err
	}
	for i := range f.Tests {
		f.Tests[i].Line = lines.Test[i].Line
	}
	return nil
}

// check refuses a test that could not fail, or not be meant.
func (t *Test) check() error {
	if t.Name == "" {
		return errors.New("it has no name")
	}
	known := false
	for _, e := range workload.Engines {
		known = known || e == t.Workload.Engine
	}
	if !known {
		return fmt.Errorf("workload.engine: %q is none of %s", t.Workload.Engine, strings.Join(workload.Engines[:], ", "))
	}
	for _, c := range t.Expect.Refused {
		if control.Standards(c) == "" {
			return fmt.Errorf("expect.refused: there is no control %q", c)
		}
	}
	if e := t.Expect; e.Rule == nil && e.Profile == nil && e.Mode == nil && len(e.Refused) == 0 {
		return errors.New("it expects nothing: rule, profile, mode or refused")
	}
	return nil
}
