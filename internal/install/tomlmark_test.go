// SPDX-License-Identifier: Apache-2.0

package install

import (
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// The key is found however the table and it are spelt, and everything comes
// back.
func TestSetDefault(t *testing.T) {
	const plugin = "io.containerd.cri.v1.runtime"
	for name, c := range map[string]struct {
		text string
		done bool
	}{
		"none":         {"version = 3\n", false},
		"empty":        {"", false},
		"subtables":    {"[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]\nx = 1\n", false},
		"other plugin": {"[plugins.'io.containerd.grpc.v1.cri'.containerd]\ndefault_runtime_name = 'runc'\n", false},
		"table":        {"[plugins.'io.containerd.cri.v1.runtime'.containerd]\nx = 1\n", true},
		"header last":  {"[plugins.'io.containerd.cri.v1.runtime'.containerd] # end", true},
		"key":          {"[ plugins . \"io.containerd.cri.v1.runtime\" . containerd ]\n\tdefault_runtime_name = 'runc' # ours\n\tx = 1\n", true},
		"key last":     {"[plugins.'io.containerd.cri.v1.runtime'.containerd]\nx = 1\ndefault_runtime_name = \"runc\"", true},
		"quoted key":   {"[plugins.'io.containerd.cri.v1.runtime'.containerd]\n'default_runtime_name' = \"runc\"\n", true},
		"dotted":       {"[plugins.'io.containerd.cri.v1.runtime']\ncontainerd.x = 1\ncontainerd.default_runtime_name = 'runc'\n", true},
		"in a string":  {"a = '''\n[plugins.\"io.containerd.cri.v1.runtime\".containerd]\n'''\n", false},
		"CRLF":         {"[plugins.'io.containerd.cri.v1.runtime'.containerd]\r\ndefault_runtime_name = 'runc'\r\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, done, err := setDefault([]byte(c.text), plugin)
			if err != nil || done != c.done {
				t.Fatalf("%v, %v: %s", done, err, got)
			}
			if !done {
				if string(got) != c.text {
					t.Errorf("became %s", got)
				}
				return
			}
			if name != "dotted" { // containerd itself refuses what that becomes
				var f struct {
					Plugins map[string]struct {
						Containerd struct {
							Default string `toml:"default_runtime_name"`
						}
					}
				}
				if err := toml.Unmarshal(got, &f); err != nil || f.Plugins[plugin].Containerd.Default != "runclad" {
					t.Errorf("%v in %s", err, got)
				}
			}
			if back := string(withoutMarks(got)); strings.TrimSuffix(back, "\n") != strings.TrimSuffix(c.text, "\n") {
				t.Errorf("%q came back as %q", c.text, back)
			}
		})
	}
}
