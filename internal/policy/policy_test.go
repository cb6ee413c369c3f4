// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestDefaultsHoldWhereNothingIsSaid(t *testing.T) {
	p, err := Parse([]byte("[profile.default]\nhost_pid = true\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Default().Profile()
	want.HostPID = true
	if !reflect.DeepEqual(p.Profile(), want) {
		t.Errorf("got %+v, want %+v", p.Profile(), want)
	}
}

func TestMistakesNameTheLine(t *testing.T) {
	for in, want := range map[string]string{
		"\n[profile.default]\nhost_pids = true\n":           `line 3: unknown key "profile.default.host_pids"`,
		"[profile.default]\nhost_pid = \"yes\"\n":           "line 2",
		"[profile.default\n":                                "line 1",
		"[profile.other]\nhost_pid = true\n":                "profile.other",
		"[profile.default]\nmetadata = \"off\"\n":           `metadata: "off" is none of block, allow`,
		"[profile.default]\ncapabilities = [\"CAP_ALL\"]\n": "no capability",
		"[profile.default]\nhost_paths = [\"etc\"]\n":       "absolute path",
		"[profile.default]\nhost_paths = [\"/etc/../\"]\n":  "absolute path",
		"[profile.default]\nuid_range = [1000, 2000]\n":     "above 10000",
		"[profile.default]\nuid_range = [70000, 60000]\n":   "above 10000",
		"[profile.default]\npids_limit = 0\n":               "at least 1",
		"[profile.default]\ntmpfs_size = 0\n":               "less than a page",
		"audit = \"maybe\"\n":                               "audit",
	} {
		if _, err := Parse([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v lacks %q", in, err, want)
		}
	}
}

func TestCapabilityNamesAreMadeWhole(t *testing.T) {
	p, err := Parse([]byte("[profile.default]\ncapabilities = [\"net_bind_service\", \"CAP_CHOWN\"]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(p.Profile().Capabilities, " "); got != "CAP_NET_BIND_SERVICE CAP_CHOWN" {
		t.Error(got)
	}
}

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.toml")
	if p, err := Load(file); err != nil || p.Source != "" {
		t.Fatalf("absent file: %v %+v", err, p)
	}
	if err := os.WriteFile(file, []byte("audit = \"best-effort\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if p, err := Load(file); err != nil || p.Source != file || p.Audit != "best-effort" {
		t.Fatalf("good file: %v %+v", err, p)
	}
	for _, spoil := range []func() error{
		func() error { return os.Chmod(file, 0o664) },
		func() error { return errors.Join(os.Chmod(file, 0o644), os.Chown(file, 1000, 0)) },
		func() error { return errors.Join(os.Remove(file), os.Mkdir(file, 0o755)) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file); !errors.Is(err, ErrPolicy) {
			t.Errorf("accepted, or the wrong error: %v", err)
		}
	}
}

// Each field that can loosen has a sentence: a field that Warnings forgets
// fails here.
func TestEachLooseningHasASentence(t *testing.T) {
	notLoosening := map[string]bool{"Name": true, "TaskCredentials": true, "UIDRange": true, "TmpfsSize": true, "PidsLimit": true, "Seccomp": true}
	loose := map[string]any{"Metadata": "allow", "Identity": "root-in-userns"}
	if w := Default().Profile().Warnings(); len(w) != 0 {
		t.Errorf("the default warns: %q", w)
	}
	for i := range reflect.TypeFor[Profile]().NumField() {
		p := Default().Profile()
		f := reflect.ValueOf(p).Elem().Field(i)
		name := reflect.TypeFor[Profile]().Field(i).Name
		if notLoosening[name] {
			continue
		}
		switch f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Slice:
			f.Set(reflect.ValueOf([]string{"x"}))
		default:
			f.Set(reflect.ValueOf(loose[name]))
		}
		if w := p.Warnings(); len(w) != 1 {
			t.Errorf("%s: warnings %q, want one sentence", name, w)
		}
	}
}
