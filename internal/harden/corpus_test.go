// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
)

// corpusRefused says which controls refuse which document of the corpus, which
// real engines sent: those that ask for what would undo the hardening. All
// others are hardened.
var corpusRefused = map[string][]string{
	"containerd2/06-net-host":              {"namespaces"},
	"cri/03-hostns-runp":                   {"namespaces", "host-paths"},
	"cri/03-hostns-start":                  {"host-paths"},
	"cri/04-ro-user-mounts-start":          {"host-paths"},
	"cri/11-sysctl-runp":                   {"sysctls"},
	"docker/05b-dockersock":                {"host-paths"},
	"docker/06-net-host":                   {"namespaces"},
	"docker/07-pid-host":                   {"namespaces"},
	"docker/08-ipc-uts-host":               {"namespaces", "host-paths"},
	"docker/12-device":                     {"devices"},
	"docker/15-sysctl":                     {"sysctls"},
	"docker/25-privileged-pidhost-nethost": {"namespaces", "host-paths"},
	"docker/34-buildkit-pathrunc":          {"namespaces"},
	"podman/06-net-host":                   {"namespaces"},
	"podman/07-pid-host":                   {"namespaces"},
}

func corpus(t *testing.T, pattern string, least int) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/corpus/*/*/" + pattern)
	if err != nil || len(files) < least {
		t.Fatal(err, len(files))
	}
	docs := map[string][]byte{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		docs[strings.TrimPrefix(file, "testdata/corpus/")] = data
	}
	return docs
}

func engineOf(name string) string {
	switch e := strings.Split(name, "/")[0]; e {
	case "containerd2":
		return "containerd"
	default:
		return e
	}
}

// corpusRefusedBy is the same for the other profiles.
var corpusRefusedBy = map[string]map[string][]string{
	policy.ProfileDefault:  corpusRefused,
	policy.ProfileStrict:   corpusRefused,
	policy.ProfileBaseline: corpusRefused,
	policy.ProfileSystem:   {"docker/05b-dockersock": {"host-paths"}},
}

func TestCorpus(t *testing.T) {
	for _, which := range hardening {
		profile := policy.Default().Profiles[which]
		t.Run(which, func(t *testing.T) { testCorpus(t, profile, corpusRefusedBy[which]) })
	}
}

func testCorpus(t *testing.T, profile *policy.Profile, refused map[string][]string) {
	seen := map[string]bool{}
	for name, data := range corpus(t, "*.config.json", 90) {
		scenario := path.Dir(name)
		seen[scenario] = true
		t.Run(name, func(t *testing.T) {
			doc := parse(t, string(data))
			err := Container(doc, planFor(doc, engineOf(name), profile))
			var rs control.Refusals
			if err != nil && !errors.As(err, &rs) {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rs {
				if !slices.Contains(got, r.Control.ID) {
					got = append(got, r.Control.ID)
				}
			}
			if !slices.Equal(got, refused[scenario]) {
				t.Errorf("refused by %q, want %q: %v", got, refused[scenario], err)
			}
			if err == nil {
				testIdempotent(t, doc, engineOf(name), profile)
			}
		})
	}
	for scenario := range refused {
		if !seen[scenario] {
			t.Errorf("%s is not in the corpus", scenario)
		}
	}
}

// testIdempotent hardens the output once more: Apply∘Apply = Apply.
func testIdempotent(t *testing.T, doc *spec.Document, engine string, profile *policy.Profile) {
	t.Helper()
	once := string(doc.Bytes())
	again := parse(t, once)
	if err := Container(again, planFor(again, engine, profile)); err != nil {
		t.Fatalf("the output is refused: %v", err)
	}
	if string(again.Bytes()) != once {
		t.Errorf("the second time changed the document:\n%s\n%s", once, again.Bytes())
	}
}

func TestCorpusExec(t *testing.T) {
	for name, data := range corpus(t, "*.process.json", 20) {
		t.Run(name, func(t *testing.T) {
			doc, err := spec.ParseProcess(data)
			if err != nil {
				t.Fatal(err)
			}
			if err := Process(doc, plan(doc, engineOf(name))); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(doc.Bytes()), "CAP_") {
				t.Errorf("a capability is left: %s", doc.Bytes())
			}
		})
	}
}
