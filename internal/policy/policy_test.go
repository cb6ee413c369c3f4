// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"reflect"
	"strings"
	"testing"
)

func parse(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := Parse(Text{"policy.toml", []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDefaultsHoldWhereNothingIsSaid(t *testing.T) {
	p := parse(t, "[profile.default]\nhost_pid = true\n")
	want := Default().Profile()
	want.HostPID = true
	if !reflect.DeepEqual(p.Profile(), want) {
		t.Errorf("got %+v, want %+v", p.Profile(), want)
	}
	if !reflect.DeepEqual(p.Profiles[ProfileStrict], Default().Profiles[ProfileStrict]) {
		t.Errorf("strict changed: %+v", p.Profiles[ProfileStrict])
	}
}

// A profile of one's own starts from a built-in one as the files have it.
func TestBase(t *testing.T) {
	p, err := Parse(
		Text{"a.toml", []byte("[profile.gpu]\nbase = \"baseline\"\ncapabilities = [\"kill\"]\ndevices = [\"/dev/x\"]\n[profile.plain]\n")},
		Text{"b.toml", []byte("[profile.baseline]\npids_limit = 9\n[profile.default]\nhost_pid = true\n")},
	)
	if err != nil {
		t.Fatal(err)
	}
	gpu := p.Profiles["gpu"]
	if gpu.Name != "gpu" || gpu.PidsLimit != 9 || !gpu.NewPrivileges || len(gpu.Capabilities) != 1 || gpu.Capabilities[0] != "CAP_KILL" || gpu.HostPID {
		t.Errorf("gpu: %+v", gpu)
	}
	if !p.Profiles["plain"].HostPID || p.Profiles["plain"].Name != "plain" {
		t.Errorf("plain: %+v", p.Profiles["plain"])
	}
	if len(p.Profiles[ProfileBaseline].Devices) != 0 || len(p.Profiles[ProfileBaseline].Capabilities) != 13 {
		t.Errorf("baseline changed with what starts from it: %+v", p.Profiles[ProfileBaseline])
	}
}

func TestMistakesNameTheLine(t *testing.T) {
	rule := func(text string) string { return "[[rule]]\nname = \"r\"\n" + text + "\n" }
	for in, want := range map[string]string{
		"\n[profile.default]\nhost_pids = true\n":                      `policy.toml: line 3: unknown key "profile.default.host_pids"`,
		"[profile.default]\nhost_pid = \"yes\"\n":                      "line 2: profile.default.host_pid: want true or false, have a string",
		"[profile.default]\nwritable = [1]\n":                          "line 2: profile.default.writable: want a string, have an integer",
		"[profile.default]\nhost_paths = \"/a\"\n":                     "line 2: profile.default.host_paths: want a list of strings, have a string",
		"[profile.default]\npids_limit = 1.5\n":                        "line 2: profile.default.pids_limit: want a whole number, have a float",
		"[profile.default]\npids_limit = 99999999999999999999\n":       "line 2: profile.default.pids_limit: decimal number is too large",
		"[profile]\ndefault = 3\n":                                     "line 2: profile.default: want a table, have an integer",
		"rule = 3\n":                                                   "line 1: rule: want a table in double brackets, have an integer",
		"[rule]\nname = \"r\"\n":                                       "rule r: write it as a table in double brackets, [[rule]]",
		"rule = [{ name = \"r\" }]\n":                                  "rule r: write it as a table in double brackets, [[rule]]",
		"[profile.default\n":                                           "line 1",
		"[profile.default]\nmetadata = \"off\"\n":                      `metadata: "off" is none of block, allow`,
		"[profile.default]\ncapabilities = [\"CAP_ANY\"]\n":            "no capability",
		"[profile.default]\nhost_paths = [\"etc\"]\n":                  "absolute path",
		"[profile.default]\nhost_paths = [\"/etc/../\"]\n":             "absolute path",
		"[profile.default]\nwritable = [\"app\"]\n":                    "absolute path",
		"[profile.default]\nuid_range = [1000, 2000]\n":                "above 10000",
		"[profile.default]\nuid_range = [20000]\n":                     "want the first and the last UID",
		"[profile.default]\nuid_range = [70000, 60000]\n":              "above 10000",
		"[profile.default]\npids_limit = 0\n":                          "at least 1",
		"[profile.default]\ntmpfs_size = 0\n":                          "less than a page",
		"[profile.default]\nidentity = \"root\"\n":                     "identity",
		"[profile.default]\nbase = \"strict\"\n":                       "starts from itself",
		"[profile.x]\nbase = \"y\"\n[profile.y]\n":                     `"y" is none of default, strict, baseline, system`,
		"[profile.x]\nbase = \"privileged\"\n":                         "none of default",
		"[profile.privileged]\nhost_pid = true\n":                      "nothing of it can be set",
		"audit = \"maybe\"\n":                                          "audit",
		"on_error = \"ignore\"\n":                                      "on_error",
		"[[rule]]\nprofile = \"strict\"\n":                             "needs one",
		rule(`profile = "none"`):                                       `there is no profile "none"; there are baseline, default, privileged, strict, system`,
		"\n\n" + rule(`mode = "off"`):                                  `policy.toml: line 3: rule "r": mode: "off"`,
		rule(`mode = "refuse"` + "\n" + `profile = "strict"`):          `has none`,
		rule(`match = { engine = "dockr" }`):                           `"dockr" is none of docker, containerd`,
		rule(`match = { namespace = [] }`):                             "an empty list matches nothing",
		rule(`match = { namespace = 3 }`):                              "want a string or a list of strings",
		rule(`match = { name = "x" }`):                                 "line 3: unknown key",
		rule(`expires = "soon"`):                                       "neither a date",
		rule(`requestable = ["host_pid"]`):                             `"host_pid" is none of seccomp`,
		rule(``) + rule(``):                                            "line 4: rule \"r\": policy.toml: line 1 has one of that name",
		rule("profile=\"system\"\nmatch = { annotation = {a=\"b\"} }"): "claims = true",
		rule("mode=\"audit\"\nmatch = { label = {a=\"b\"} }"):          "claims = true",
	} {
		if _, err := Parse(Text{"policy.toml", []byte(in)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v lacks %q", in, err, want)
		}
	}
}

// What can be said once is said in one file.
func TestSaidTwice(t *testing.T) {
	for _, text := range []string{"audit = \"required\"\n", "on_error = \"refuse\"\n", "[profile.strict]\n"} {
		_, err := Parse(Text{"a.toml", []byte(text)}, Text{"b.toml", []byte(text)})
		if err == nil || !strings.Contains(err.Error(), "b.toml: ") || !strings.Contains(err.Error(), "is set in a.toml too") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCapabilityNamesAreMadeWhole(t *testing.T) {
	p := parse(t, "[profile.default]\ncapabilities = [\"net_bind_service\", \"CAP_CHOWN\", \"all\"]\n")
	if got := strings.Join(p.Profile().Capabilities, " "); got != "CAP_NET_BIND_SERVICE CAP_CHOWN ALL" {
		t.Error(got)
	}
}

// Each field that can loosen has a sentence, which begins with its key: a field
// that Warnings forgets fails here.
func TestEachLooseningHasASentence(t *testing.T) {
	notLoosening := map[string]bool{
		"Name": true, "Base": true, "Images": true, "TaskCredentials": true, "UIDRange": true, "TmpfsSize": true, "PidsLimit": true, "HostBinds": true,
	}
	loose := map[string][]string{
		"Metadata": {"allow"}, "Credentials": {"ignore"}, "Identity": {IdentityImage, IdentityUserns}, "Volumes": {"keep"},
		"Seccomp": {SeccompKeep, SeccompUnconfined},
	}
	if w := Default().Profile().Warnings(); len(w) != 0 {
		t.Errorf("the default warns: %q", w)
	}
	if w := Default().Profiles[ProfileStrict].Warnings(); len(w) != 0 {
		t.Errorf("strict warns: %q", w)
	}
	for field := range reflect.TypeFor[Profile]().Fields() {
		if notLoosening[field.Name] {
			continue
		}
		values := []any{true}
		switch field.Type.Kind() {
		case reflect.Bool:
		case reflect.Slice:
			values = []any{[]string{"x"}, []string{"*"}}
		default:
			values = nil
			for _, v := range loose[field.Name] {
				values = append(values, v)
			}
		}
		if len(values) == 0 {
			t.Errorf("%s: no value that loosens is known here", field.Name)
		}
		for _, v := range values {
			p := Default().Profile()
			reflect.ValueOf(p).Elem().FieldByIndex(field.Index).Set(reflect.ValueOf(v))
			w := p.Warnings()
			if len(w) != 1 || field.Name != "HandOff" && !strings.HasPrefix(w[0], field.Tag.Get("toml")+": ") {
				t.Errorf("%s = %v: warnings %q, want one sentence that begins with the key", field.Name, v, w)
			}
		}
	}
}
