// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/opencontainers/runc/libcontainer/configs/validate"
	"github.com/opencontainers/runc/libcontainer/specconv"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"

	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/profiles"
)

// TestRuncAcceptsTheCorpus: runc's own conversion and validation take every
// hardened document, with the filter that is really put into it, and read out of
// it what was meant.
func TestRuncAcceptsTheCorpus(t *testing.T) {
	logrus.SetOutput(io.Discard)
	t.Cleanup(func() { logrus.SetOutput(os.Stderr) })
	rootfs := t.TempDir()
	seen := 0
	for name, data := range corpus(t, "*.config.json", 90) {
		doc := parse(t, string(data))
		p := plan(doc, engineOf(name))
		text, err := profiles.Seccomp(profiles.Options{Runtime: "runc"})
		if err != nil {
			t.Fatal(err)
		}
		p.Seccomp = spec.Raw(text)
		if Container(doc, p) != nil {
			continue // TestCorpus says which
		}
		seen++
		t.Run(name, func(t *testing.T) {
			var s specs.Spec
			if err := json.Unmarshal(doc.Bytes(), &s); err != nil {
				t.Fatal(err)
			}
			// What is not on this host: the rootfs, and namespaces to join.
			s.Root.Path = rootfs
			for i, ns := range s.Linux.Namespaces {
				switch {
				case ns.Path != "" && ns.Type == specs.UserNamespace:
					s.Linux.Namespaces[i].Path = ""
				case ns.Path != "":
					s.Linux.Namespaces[i].Path = "/proc/self/ns/mnt" // exists, and is no network namespace of the host
				}
			}
			config, err := specconv.CreateLibcontainerConfig(&specconv.CreateOpts{
				CgroupName: "c1", UseSystemdCgroup: strings.Contains(s.Linux.CgroupsPath, ":"), Spec: &s,
			})
			if err != nil {
				t.Fatalf("%v\n%s", err, doc.Bytes())
			}
			if err := validate.Validate(config); err != nil {
				t.Errorf("%v\n%s", err, doc.Bytes())
			}
			if !config.Readonlyfs || !config.NoNewPrivileges || config.Seccomp == nil || config.Cgroups.PidsLimit == nil ||
				len(config.Capabilities.Bounding)+len(config.Capabilities.Ambient) != 0 {
				t.Errorf("runc reads %+v", config)
			}
			if d := config.Cgroups.Devices[0]; d.Allow || d.Type != 'a' {
				t.Errorf("the first device rule is %+v", d)
			}
			for _, d := range config.Cgroups.Devices[1:] {
				if d.Allow && (d.Type == 'a' || d.Type == 'b' && string(d.Permissions) != "m") {
					t.Errorf("runc reads the device rule %+v", d)
				}
			}
		})
	}
	if seen < 80 {
		t.Errorf("only %d documents were hardened", seen)
	}
}
