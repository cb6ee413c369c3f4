// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden is the input of one case: what a step is given.
type golden struct {
	Engine  string          `json:"engine"`
	Policy  string          `json:"policy"`  // lines under [profile.default]
	Exec    bool            `json:"exec"`    // the document is a process
	Hook    json.RawMessage `json:"hook"`    // the Plan's
	Network string          `json:"network"` // the Plan's
	LSM     bool            `json:"lsm"`     // AppArmor and SELinux are enforced
	Loaded  []string        `json:"loaded"`  // AppArmor profiles of engines
	Devices []host.Device   `json:"devices"` // host devices that the policy allows
	Rootfs  string          `json:"rootfs"`  // what the rootfs turns out to be
	Caps    []Program       `json:"caps"`    // programs with file capabilities
	Real    map[string]host.Source
	Spec    json.RawMessage `json:"spec"`
}

// edit makes what the steps work with. Real says where binds lead, by their
// source.
func (g *golden) edit(t *testing.T) *edit {
	t.Helper()
	parseDocument := spec.ParseSpec
	if g.Exec {
		parseDocument = spec.ParseProcess
	}
	doc, err := parseDocument(g.Spec)
	if err != nil {
		t.Fatal(err)
	}
	pol, err := policy.Parse(policy.Text{Name: "policy.toml", Data: []byte("[profile.default]\n" + g.Policy)})
	if err != nil {
		t.Fatal(err)
	}
	p := planFor(doc, g.Engine, pol.Profile())
	if g.Hook != nil {
		if p.Hook, err = spec.ParseValue(g.Hook); err != nil {
			t.Fatal(err)
		}
	}
	p.Facts.AppArmor, p.Facts.SELinux, p.Facts.Devices, p.Facts.RootfsAlias = g.LSM, g.LSM, g.Devices, g.Rootfs
	p.Facts.AppArmorProfiles, p.FileCaps, p.Network = g.Loaded, g.Caps, g.Network
	for _, m := range doc.Get("mounts").Elems() {
		if s, ok := g.Real[m.Get("source").Str()]; ok {
			p.Facts.Sources[m] = s
		}
	}
	if g.Exec {
		return newEdit(doc, p, process)
	}
	return newEdit(doc, p, container)
}

// decidedElsewhere are the controls of package runtime.
var decidedElsewhere = map[string]bool{
	control.Restore.ID: true, control.Exec.ID: true, control.Rules.ID: true, control.Images.ID: true, control.Credentials.ID: true,
}

// TestSteps runs the steps of one control alone on each of its cases. What they
// make of it is in CASE.want.json, what they refuse in CASE.want.txt.
func TestSteps(t *testing.T) {
	for _, c := range control.All {
		if decidedElsewhere[c.ID] {
			continue
		}
		cases, err := filepath.Glob(filepath.Join("testdata/steps", c.ID, "*.in.json"))
		if err != nil {
			t.Fatal(err)
		}
		if len(cases) < 3 {
			t.Errorf("%s: %d cases, want at least 3", c.ID, len(cases))
		}
		for _, in := range cases {
			t.Run(c.ID+"/"+strings.TrimSuffix(filepath.Base(in), ".in.json"), func(t *testing.T) { testStep(t, c.ID, in) })
		}
	}
}

func testStep(t *testing.T, id, in string) {
	data, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&g); err != nil {
		t.Fatal(err)
	}
	e := g.edit(t)
	var verified error
	for range 2 { // the second time must change nothing
		e.refusals = nil
		for i := range steps {
			if steps[i].control.ID == id && steps[i].scope >= e.scope {
				e.control = steps[i].control
				e.doc.As(id)
				steps[i].apply(e)
			}
		}
		verified = nil
		for i := range steps {
			if steps[i].control.ID == id && steps[i].scope >= e.scope {
				verified = errors.Join(verified, steps[i].verify(e))
			}
		}
		if len(e.refusals) == 0 && verified != nil {
			t.Errorf("not as promised: %v", verified)
		}
		if len(e.refusals) > 0 {
			break
		}
		compare(t, strings.TrimSuffix(in, ".in.json"), ".want.json", indent(t, e.doc.Bytes()))
		// What a step added is not in Facts; a second run meets it as it would
		// meet an engine's.
		fresh := e.doc
		g.Spec = fresh.Bytes()
		e = g.edit(t)
		if e.Facts.Places = nil; id == control.Writable.ID {
			break // its places are facts about the first document
		}
	}
	if len(e.refusals) > 0 {
		var lines []string
		for _, r := range e.refusals {
			lines = append(lines, r.Error())
		}
		compare(t, strings.TrimSuffix(in, ".in.json"), ".want.txt", []byte(strings.Join(lines, "\n")+"\n"))
	}
}

func indent(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		t.Fatal(err)
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// compare holds got against a golden file, of which a case has one or the other.
func compare(t *testing.T, base, suffix string, got []byte) {
	t.Helper()
	other := map[string]string{".want.json": ".want.txt", ".want.txt": ".want.json"}[suffix]
	if *update {
		_ = os.Remove(base + other)
		if err := os.WriteFile(base+suffix, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if _, err := os.Stat(base + other); err == nil {
		t.Errorf("want %s, have %s:\n%s", other, suffix, got)
		return
	}
	want, err := os.ReadFile(base + suffix)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs:\n%s\nwant:\n%s", base+suffix, got, want)
	}
}

// TestControls: each step has a control, and control.All lists every one that is
// declared and nothing twice, with an ID, and the clauses that ask for it.
func TestControls(t *testing.T) {
	known := map[string]bool{}
	for _, c := range control.All {
		if known[c.ID] || c.ID == "" || c.Standards == "" || control.Standards(c.ID) != c.Standards {
			t.Errorf("control %+v", c)
		}
		known[c.ID] = true
	}
	used := maps.Clone(decidedElsewhere)
	for i, s := range steps {
		used[s.control.ID] = true
		if !known[s.control.ID] {
			t.Errorf("step %d: control %q is not in control.All", i, s.control.ID)
		}
		if v := reflect.ValueOf(s); v.FieldByName("apply").IsNil() || v.FieldByName("verify").IsNil() {
			t.Errorf("step %d (%s) lacks a function", i, s.control.ID)
		}
	}
	for id := range known {
		if !used[id] {
			t.Errorf("control %s is enforced by no step", id)
		}
	}
}
