// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/internal/audit"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

// fill sets every field of a struct to something.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	for i := range v.NumField() {
		f := v.Field(i)
		switch at := f.Addr().Interface().(type) {
		case *time.Time:
			*at = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
		case *time.Duration:
			*at = 1500 * time.Microsecond
		case *string:
			*at = "v" + v.Type().Field(i).Name
		case *uint32:
			*at = 2001000000 + uint32(i)
		case **uint32:
			n := 2001000000 + uint32(i)
			*at = &n
		case *bool:
			*at = true
		case *[]string:
			*at = []string{"first " + v.Type().Field(i).Name, "second"}
		case *[]spec.Change:
			*at = []spec.Change{{Step: "rootfs", Path: "root.readonly", From: spec.Flag(false), To: spec.Flag(true)}}
		case *workload.Workload:
			fill(t, f)
		case **spec.Value: // Docker's labels, for the policy alone
		default:
			t.Fatalf("%s.%s has a type that this test does not know", v.Type(), v.Type().Field(i).Name)
		}
	}
}

// Whatever the shim writes of an entry with all fields set is read back: no
// member of the line is unknown here, and none is read under another name.
func TestEveryFieldIsRead(t *testing.T) {
	var written audit.Entry
	fill(t, reflect.ValueOf(&written).Elem())
	line := written.Line()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(line, &members); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	var strict Entry
	if err := dec.Decode(&strict); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	got, err := Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]json.RawMessage
	if err := json.Unmarshal(again, &back); err != nil {
		t.Fatal(err)
	}
	for name, value := range members {
		var a, b any
		if json.Unmarshal(value, &a) != nil || json.Unmarshal(back[name], &b) != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s: written %s, read %s", name, value, back[name])
		}
	}
	if got.Changes[0].Control != "rootfs" || string(got.Changes[0].To) != "true" || got.Changes[0].Standards == "" {
		t.Errorf("changes: %+v", got.Changes)
	}
	for _, d := range []string{audit.Hardened, audit.Audited, audit.Exempted, audit.Refused, audit.Failed, audit.BreakGlass} {
		if !slices.Contains([]string{Hardened, Audited, Exempted, Refused, Failed, BreakGlass}, d) {
			t.Errorf("the decision %s is written and not known here", d)
		}
	}
}

func line(t time.Time, container string) string {
	return fmt.Sprintf(`{"time":%q,"decision":"hardened","verb":"create","engine":"docker","container":%q}`+"\n", t.Format(time.RFC3339Nano), container)
}

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func at(minute int) time.Time { return noon.Add(time.Duration(minute) * time.Minute) }

func write(t *testing.T, path, content string, modified time.Time) {
	t.Helper()
	data := []byte(content)
	if strings.HasSuffix(path, ".gz") {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(data); err != nil || z.Close() != nil {
			t.Fatal(err)
		}
		data = b.Bytes()
	}
	if err := errors.Join(os.WriteFile(path, data, 0o600), os.Chtimes(path, modified, modified)); err != nil {
		t.Fatal(err)
	}
}

func ids(list []Line) string {
	var out []string
	for _, l := range list {
		if l.Entry == nil {
			out = append(out, "broken")
			continue
		}
		out = append(out, l.Entry.Container)
	}
	return strings.Join(out, " ")
}

// node is a log that was rotated twice, with a fallback that took one line
// while the log could not be written.
func node(t *testing.T) (log, fallback string) {
	dir := t.TempDir()
	log, fallback = filepath.Join(dir, "audit.jsonl"), filepath.Join(dir, "run.jsonl")
	write(t, log+".2.gz", line(at(0), "a")+line(at(1), "b"), at(2))
	write(t, log+".1", line(at(3), "c")+"{\"time\":\n"+line(at(4), "d"), at(5))
	write(t, log, line(at(6), "e")+line(at(8), "g"), at(9))
	write(t, fallback, line(at(7), "f"), at(7))
	write(t, log+".bak", line(at(5), "no"), at(5))
	write(t, log+"x", line(at(5), "no"), at(5))
	return log, fallback
}

func TestFilesAreReadInOrder(t *testing.T) {
	log, fallback := node(t)
	files, err := Files(log, fallback, filepath.Join(t.TempDir(), "absent", "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var all []Line
	if err := Each(files, func(l Line) error { all = append(all, l); return nil }); err != nil {
		t.Fatal(err)
	}
	ByTime(all)
	if got := ids(all); got != "a b c broken d e f g" {
		t.Error(got)
	}
	for _, l := range all {
		if l.Entry == nil && !strings.Contains(l.Err.Error(), "audit.jsonl.1: line 2 is broken") {
			t.Error(l.Err)
		}
	}
	for n, want := range map[int]string{1: "g", 2: "f g", 3: "e f g", 6: "c broken d e f g", 100: "a b c broken d e f g"} {
		got, err := Last(files, n)
		if err != nil || ids(got) != want {
			t.Errorf("last %d: %s, want %s (%v)", n, ids(got), want, err)
		}
	}
}

func TestDatedAndNumberedFiles(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "audit.jsonl")
	for i, name := range []string{"-20260101.gz", "-20260108", ".12", ".2", ".1", ""} {
		write(t, log+name, line(at(i), "x"), noon) // all of one moment, as after a copy
	}
	files, err := Files(log)
	if err != nil || len(files) != 6 {
		t.Fatal(files, err)
	}
	var numbered []string
	for _, f := range files {
		if name := strings.TrimPrefix(f.Path, log); !strings.HasPrefix(name, "-") {
			numbered = append(numbered, name)
		}
	}
	if strings.Join(numbered, " ") != ".12 .2 .1 " {
		t.Errorf("%q", numbered)
	}
}

func TestAFileThatCannotBeReadDoesNotHideTheOthers(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "audit.jsonl")
	write(t, log+".2.gz", "", at(0))
	if err := os.WriteFile(log+".2.gz", []byte("no gzip"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, log, line(at(1), "a"), at(1))
	files, err := Files(log)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Last(files, 10)
	if ids(got) != "a" || err == nil || !strings.Contains(err.Error(), "audit.jsonl.2.gz") {
		t.Errorf("%s, %v", ids(got), err)
	}
}

func TestLongLines(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "audit.jsonl")
	long := strings.Replace(line(at(0), "long"), "}\n", `,"reason":"`+strings.Repeat("x", 200<<10)+"\"}\n", 1)
	write(t, log, long+strings.Repeat("y", maxLine+10)+"\n"+line(at(2), "after"), at(1))
	var got []Line
	end, err := From(log, 0, func(l Line) error { got = append(got, l); return nil })
	if err != nil || ids(got) != "long broken after" {
		t.Errorf("%s, %v", ids(got), err)
	}
	if info, _ := os.Stat(log); info.Size() != end {
		t.Errorf("ended at %d of %d", end, info.Size())
	}
}

func TestFromResumes(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "audit.jsonl")
	half := line(at(1), "b")
	write(t, log, line(at(0), "a")+half[:20], at(0))
	var got []Line
	each := func(l Line) error { got = append(got, l); return nil }
	end, err := From(log, 0, each)
	if err != nil || ids(got) != "a" {
		t.Fatalf("%s, %v", ids(got), err)
	}
	head, err := Head(log)
	if err != nil || string(head)+"\n" != line(at(0), "a") {
		t.Errorf("%s, %v", head, err)
	}
	// Rotated and compressed meanwhile: the place in it is the same.
	write(t, log+".1.gz", line(at(0), "a")+half+line(at(2), "c"), at(3))
	got = nil
	if _, err = From(log+".1.gz", end, each); err != nil || ids(got) != "b c" {
		t.Errorf("%s, %v", ids(got), err)
	}
	if again, err := Head(log + ".1.gz"); err != nil || !bytes.Equal(again, head) {
		t.Errorf("%s, %v", again, err)
	}
	write(t, log, half[:20], at(4))
	if head, err := Head(log); err != nil || len(head) > 0 {
		t.Errorf("half a line names nothing: %q, %v", head, err)
	}
}

func appendTo(t *testing.T, path, content string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(content); err != nil {
		t.Fatal(err)
	}
}

func TestFollow(t *testing.T) {
	dir := t.TempDir()
	log, fallback := filepath.Join(dir, "audit.jsonl"), filepath.Join(dir, "fallback.jsonl")
	appendTo(t, log, line(at(0), "before"))
	follow, err := Follower([]string{log, fallback})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	found := make(chan Line)
	done := make(chan error, 1)
	go func() { done <- follow(ctx, func(l Line) error { found <- l; return nil }) }()
	next := func(want string) {
		t.Helper()
		select {
		case l := <-found:
			if got := ids([]Line{l}); got != want {
				t.Fatalf("%s, want %s: %s", got, want, l.Raw)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("no %s", want)
		}
	}
	appendTo(t, log, line(at(1), "a"))
	next("a")
	half := line(at(2), "b")
	appendTo(t, log, half[:30])
	time.Sleep(2 * interval)
	appendTo(t, log, half[30:]+"{nonsense\n")
	next("b")
	next("broken")
	appendTo(t, fallback, line(at(3), "c")) // did not exist before
	next("c")
	appendTo(t, log, line(at(4), "d"))
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	appendTo(t, log+".1", line(at(5), "e")) // by a shim that had opened it before
	appendTo(t, log, line(at(6), "f"))
	next("d")
	next("e")
	next("f")
	appendTo(t, log, line(at(7), "f2")) // longer than what is written next: it is seen whenever it is looked
	next("f2")
	if err := os.Truncate(log, 0); err != nil {
		t.Fatal(err)
	}
	appendTo(t, log, line(at(7), "g"))
	next("g")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestFilter(t *testing.T) {
	raw := `{"time":"2026-03-04T12:30:00Z","decision":"refused","verb":"create","engine":"cri","container":"abcdef","name":"app","image":"docker.io/library/nginx:1.27","image_id":"sha256:feed","namespace":"shop","pod":"cart-1","rule":"shop","uid":2001000001,"reason":"the mount at /x (control host-paths; CIS 5.6)","changes":[{"control":"rootfs","path":"root.readonly","to":true}]}`
	l := Line{Raw: []byte(raw)}
	l.decode()
	if l.Err != nil {
		t.Fatal(l.Err)
	}
	for _, f := range []Filter{
		{},
		{Since: at(29), Until: at(31)},
		{Engine: []string{"docker", "cri"}},
		{Namespace: []string{"shop"}, Pod: []string{"cart-1"}},
		{Container: []string{"abc"}},
		{Container: []string{"app"}},
		{Image: []string{"nginx"}},
		{Image: []string{"docker.io/library/nginx:*"}},
		{Image: []string{"sha256:feed"}},
		{Decision: []string{"refused"}, Verb: []string{"create"}},
		{Control: []string{"rootfs"}},
		{Control: []string{"host-paths"}},
		{Rule: []string{"shop"}},
		{UID: []uint{2001000001}},
		{Text: []string{"THE MOUNT"}},
	} {
		if !f.Match(&l) {
			t.Errorf("%+v does not match", f)
		}
	}
	for _, f := range []Filter{
		{Since: at(31)},
		{Until: at(29)},
		{Engine: []string{"docker"}},
		{Namespace: []string{"sho"}},
		{Container: []string{"bcd"}},
		{Image: []string{"apache"}},
		{Decision: []string{"hardened"}},
		{Control: []string{"seccomp"}},
		{Rule: []string{""}},
		{UID: []uint{1}},
		{Text: []string{"unmount"}},
		{Engine: []string{"cri"}, Text: []string{"unmount"}},
	} {
		if f.Match(&l) {
			t.Errorf("%+v matches", f)
		}
	}
	if (&Filter{}).Match(&Line{Raw: []byte("{")}) {
		t.Error("a broken line matches")
	}
}

func TestParseTime(t *testing.T) {
	for s, want := range map[string]time.Time{
		"15m": noon.Add(-15 * time.Minute), "7d": noon.AddDate(0, 0, -7), "1.5d": noon.Add(-36 * time.Hour),
		"2026-03-01": time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), "2026-03-04T13:00:00+01:00": noon,
	} {
		if got, err := ParseTime(s, noon); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "yesterday", "-5m", "-1d", "12:00", "NaNd"} {
		if got, err := ParseTime(s, noon); err == nil {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestText(t *testing.T) {
	e := Entry{
		Time: noon, Decision: Refused, Verb: "create", Engine: "docker", Container: "0123456789abcdef", Name: "web",
		Image: "evil\x1b[2J\nimage", UID: 2001000001, Profile: "default", Rule: "r1", Exemptions: []string{"a"},
		Reason: "no\u202e way",
	}
	want := `2026-03-04T12:00:00Z refused     create  docker     web (0123456789ab) image=evil\x1b[2J\x0aimage uid=2001000001 rule=r1 exemptions=1 no\u202e way`
	if got := e.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := e.Text(true); !strings.Contains(got, "\x1b[31mrefused    \x1b[0m") {
		t.Errorf("%q", got)
	}
}
