// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
)

func seeds(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		f.Fatal(err, pattern)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

// profileFor picks one of the built-in profiles that harden, by the input.
func profileFor(in []byte) *policy.Profile {
	sum := 0
	for _, b := range in {
		sum += int(b)
	}
	return policy.Default().Profiles[hardening[sum%len(hardening)]]
}

// hardening are the built-in profiles but the one that changes nothing.
var hardening = [...]string{policy.ProfileDefault, policy.ProfileStrict, policy.ProfileBaseline, policy.ProfileSystem}

// FuzzContainer: no panic, no broken invariant; the output is accepted and left
// alone by a second run, is never looser than the input, and holds every field
// that no step knows.
func FuzzContainer(f *testing.F) {
	// Small ones, and few: the fuzzer spends its time on making large inputs
	// smaller again. TestCorpus has them all.
	f.Add([]byte(`{"ociVersion":"1.0.2","root":{"path":"r"},"mounts":[{"destination":"/proc","type":"proc","source":"proc"},{"destination":"/v","type":"bind","source":"/srv/v","options":["rbind","rro","rw"]},{"destination":"/sys/fs/cgroup","type":"cgroup","options":["ro"]}],"linux":{"namespaces":[{"type":"mount"},{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"network"}]}}`))
	f.Add([]byte(`{"ociVersion":"1.0.2","linux":{"namespaces":[{"type":"mount"},{"type":"pid"},{"type":"ipc"},{"type":"network"},{"type":"user"}],"devices":[{"path":"/dev/null","type":"c","major":1,"minor":3}],"resources":{"devices":[{"allow":true,"type":"c","major":1,"minor":3,"access":"rwm"}],"unified":{"pids.max":"max"}},"sysctl":{"net.ipv4.tcp_rmem":"1"},"maskedPaths":null}}`))
	f.Add([]byte(hostile))
	f.Add([]byte(`{"ociVersion":"1.0.2","mounts":[{"destination":"/tmp","type":"tmpfs","options":["size=0","rrw","ro"]},null],"linux":{"namespaces":[null,{"type":"mount"}]},"process":{"user":null,"env":[null,"HOME"]},"x":{"y":[1e99,null]}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		doc, err := spec.ParseSpec(in)
		if err != nil {
			t.Skip()
		}
		given, err := spec.ParseSpec(in)
		if err != nil {
			t.Fatal(err)
		}
		profile := profileFor(in)
		if err := Container(doc, planFor(doc, "docker", profile)); err != nil {
			if errors.Is(err, ErrInvariant) {
				t.Fatalf("%v\n%s\n%s", err, in, doc.Bytes())
			}
			return
		}
		out := doc.Bytes()
		done, err := spec.ParseSpec(out)
		if err != nil {
			t.Fatalf("the output is no spec: %v\n%s", err, out)
		}
		for _, loose := range looser(profile.Identity, given, done) {
			t.Errorf("looser than the input: %s\n%s\n%s", loose, in, out)
		}
		for _, lost := range lostFields(given.Root(), done.Root()) {
			t.Errorf("lost: %s\n%s\n%s", lost, in, out)
		}
		if err := Container(done, planFor(done, "docker", profile)); err != nil {
			t.Fatalf("the output is refused: %v\n%s", err, out)
		}
		if again := done.Bytes(); string(again) != string(out) {
			t.Errorf("the second time changed the document:\n%s\n%s", out, again)
		}
	})
}

// FuzzProcess is the same for exec.
func FuzzProcess(f *testing.F) {
	seeds(f, "testdata/corpus/*/*/*.process.json")
	f.Add([]byte(`{"user":{"uid":0,"gid":0,"additionalGids":[0,4294967296]},"args":["su"],"env":[null],"capabilities":null,"rlimits":[],"x":1}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		doc, err := spec.ParseProcess(in)
		if err != nil {
			t.Skip()
		}
		given, err := spec.ParseProcess(in)
		if err != nil {
			t.Fatal(err)
		}
		facts := spec.NewProcess(spec.Map())
		profile := profileFor(in)
		if err := Process(doc, planFor(facts, "docker", profile)); err != nil {
			if errors.Is(err, ErrInvariant) {
				t.Fatalf("%v\n%s\n%s", err, in, doc.Bytes())
			}
			return
		}
		out := doc.Bytes()
		done, err := spec.ParseProcess(out)
		if err != nil {
			t.Fatalf("the output is no process: %v\n%s", err, out)
		}
		for _, loose := range looserProcess(profile.Identity, given.Root(), done.Root()) {
			t.Errorf("looser than the input: %s\n%s\n%s", loose, in, out)
		}
		for _, lost := range lostFields(given.Root(), done.Root()) {
			t.Errorf("lost: %s\n%s\n%s", lost, in, out)
		}
		if err := Process(done, planFor(facts, "docker", profile)); err != nil || string(done.Bytes()) != string(out) {
			t.Errorf("the second time: %v\n%s\n%s", err, out, done.Bytes())
		}
	})
}

// TestCorpusIsNeverLooser holds the comparator of the fuzz targets against what
// engines really send, under each profile.
func TestCorpusIsNeverLooser(t *testing.T) {
	for name, data := range corpus(t, "*.config.json", 90) {
		for _, which := range hardening {
			given, doc := parse(t, string(data)), parse(t, string(data))
			profile := policy.Default().Profiles[which]
			if Container(doc, planFor(doc, engineOf(name), profile)) != nil {
				continue // refused; TestCorpus says which
			}
			for _, loose := range append(looser(profile.Identity, given, doc), lostFields(given.Root(), doc.Root())...) {
				t.Errorf("%s: %s: %s", which, name, loose)
			}
		}
	}
}

// TestLooser: the comparator sees each kind of loosening; without this it could
// be blind and all targets green.
func TestLooser(t *testing.T) {
	tight := parse(t, hostile)
	if err := Container(tight, plan(tight, "docker")); err != nil {
		t.Fatal(err)
	}
	if got := looser(policy.IdentityRandom, tight, parse(t, string(tight.Bytes()))); len(got) > 0 {
		t.Fatalf("equal documents: %q", got)
	}
	with := `{"ociVersion":"1.0.2","linux":{"sysctl":{"a":"1"}}}`
	if got := looser(policy.IdentityRandom, parse(t, `{"ociVersion":"1.0.2"}`), parse(t, with)); !slices.Contains(got, "sysctl a") {
		t.Errorf("a sysctl: %q", got)
	}
	open := parse(t, hostile)
	got := looser(policy.IdentityRandom, tight, open)
	if len(got) < 15 {
		t.Errorf("%d ways in which the hostile document is looser: %q", len(got), got)
	}
}
