// SPDX-License-Identifier: Apache-2.0

package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/internal/record/rundir"
	"golang.org/x/sys/unix"
)

// gone is a process that does not exist: PID 1 started long before.
func gone(n uint64) Process { return Process{PID: 1, Start: 1<<60 + n} }

func sample(root, id string, creator Process) Record {
	return Record{
		ID: id, Root: root, Bundle: "/b", Runtime: "/usr/sbin/runc", Flavor: "runc",
		Engine: "docker", Name: "n\"\n", Image: "i:é", Profile: "default", UID: 2001000007, GID: 2001000007,
		HostUID: 2001000007, HostGID: 2001000007, Home: "/", AdditionalGIDs: []uint32{5, 4294967294},
		Capabilities: []string{"CAP_CHOWN"}, Block: "start",
		CreatorPID: creator.PID, CreatorStart: creator.Start, Created: "2026-01-02T03:04:05.000000006Z",
	}
}

func open(tb testing.TB) Store {
	tb.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "record-")
	if err != nil {
		tb.Fatal(err)
	}
	s, err := Open(filepath.Join(dir, "run"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.Close()
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func self(tb testing.TB) Process {
	tb.Helper()
	p, err := Self()
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestEncodeDecode(t *testing.T) {
	for _, r := range []Record{sample("/r", "c", Process{7, 8}), {ID: "x", Root: "/", Flavor: "crun", Block: "allowed", CreatorPID: 1, Created: "2026-01-02T03:04:05Z"}} {
		got, err := decode(r.encode())
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, r)
		}
	}
}

// A field that is added to Record and forgotten in fields would be lost.
func TestFieldsAreExhaustive(t *testing.T) {
	var r Record
	v := reflect.ValueOf(&r).Elem()
	listed := map[any]bool{}
	for _, f := range r.fields() {
		listed[f.at] = true
		f.value() // panics for a type that it does not know
	}
	for i := range v.NumField() {
		if !listed[v.Field(i).Addr().Interface()] {
			t.Errorf("field %s is not written", v.Type().Field(i).Name)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	r := sample("/r", "c", Process{7, 8})
	good := string(r.encode())
	edit := func(old, new string) string {
		out := strings.Replace(good, old, new, 1)
		if out == good {
			t.Fatalf("%q not in %s", old, good)
		}
		return out
	}
	for name, data := range map[string]string{
		"empty":           "",
		"newer version":   edit(`"version":2`, `"version":3`),
		"older version":   edit(`"version":2`, `"version":0`),
		"no version":      edit(`"version":2,`, ``),
		"unknown field":   edit(`"id":`, `"more":1,"id":`),
		"missing field":   edit(`"id":"c",`, ``),
		"field twice":     edit(`"id":"c"`, `"id":"c","id":"d"`),
		"case variant":    edit(`"uid":`, `"UID":`),
		"string for id":   edit(`"uid":2001000007`, `"uid":"2001000007"`),
		"fraction":        edit(`"uid":2001000007`, `"uid":1.5`),
		"too large":       edit(`"uid":2001000007`, `"uid":4294967296`),
		"negative":        edit(`"gid":2001000007`, `"gid":-1`),
		"null list":       edit(`"capabilities":["CAP_CHOWN"]`, `"capabilities":null`),
		"nested list":     edit(`["CAP_CHOWN"]`, `[["CAP_CHOWN"]]`),
		"more text":       good + "{}",
		"cut off":         good[:len(good)/2],
		"unknown flavor":  edit(`"runc"`, `"youki"`),
		"unknown mode":    edit(`"mode":""`, `"mode":"off"`),
		"word for flag":   edit(`"unconfined":false`, `"unconfined":"no"`),
		"older, and more": edit(`"version":2`, `"version":1`),
		"unknown block":   edit(`"block":"start"`, `"block":"later"`),
		"relative root":   edit(`"root":"/r"`, `"root":"r"`),
		"id with slash":   edit(`"id":"c"`, `"id":"../c"`),
		"not a time":      edit(`"2026-01`, `"yesterday`),
		"not UTF-8":       edit(`"c"`, "\"\xff\""),
	} {
		if got, err := decode([]byte(data)); err == nil {
			t.Errorf("%s: accepted as %+v", name, got)
		}
	}
	if _, err := decode([]byte(edit(`"version":2`, `"version":3,"stricter":true`))); err == nil || !strings.Contains(err.Error(), "newer runclad") {
		t.Errorf("a newer version: %v", err)
	}
}

// Containers outlive an upgrade: the record of an older runclad is read.
func TestDecodeOlder(t *testing.T) {
	const old = `{"version":1,"id":"c","root":"/r","bundle":"/b","runtime":"/usr/sbin/runc","flavor":"runc","engine":"docker",` +
		`"namespace":"","pod":"","podUID":"","name":"n","image":"i","profile":"default","sandbox":"","uid":2001000007,"gid":2001000007,` +
		`"hostUID":2001000007,"hostGID":2001000007,"home":"/","additionalGIDs":[],"capabilities":[],"block":"start","taskCredentials":"",` +
		`"creatorPID":7,"creatorStart":8,"created":"2026-01-02T03:04:05Z"}`
	r, err := decode([]byte(old))
	if err != nil || r.UID != 2001000007 || r.Mode != ModeEnforced || r.Rule != "" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWriteReadRemove(t *testing.T) {
	unix.Umask(0o077)
	t.Cleanup(func() { unix.Umask(0o022) })
	s := open(t)
	r := sample(t.TempDir(), "c1", self(t))
	if _, err := s.Read(r.Root, r.ID); !errors.Is(err, ErrNoRecord) {
		t.Fatalf("before Write: %v", err)
	}
	if err := s.Write(r, File{"passwd", []byte("p")}, File{"group", []byte("g")}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Read(r.Root, r.ID)
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Fatalf("got %+v, %v", got, err)
	}
	for name, mode := range map[string]fs.FileMode{"record.json": 0o600, "passwd": 0o644, "group": 0o644} {
		fi, err := os.Stat(s.Path(r, name))
		if err != nil || fi.Mode() != mode {
			t.Errorf("%s: %v, %v", name, fi, err)
		}
	}
	if b, err := s.Ready(r); b || err != nil {
		t.Errorf("Ready before MarkReady: %v, %v", b, err)
	}
	for range 2 {
		if err := s.MarkReady(r); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := s.Ready(r); !b || err != nil {
		t.Errorf("Ready after MarkReady: %v, %v", b, err)
	}
	if _, err := s.Read(r.Root+"x", r.ID); !errors.Is(err, ErrNoRecord) {
		t.Errorf("another root: %v", err)
	}
	// The same container again, while its creator lives.
	if err := s.Write(r); !errors.Is(err, ErrExists) {
		t.Errorf("second Write: %v", err)
	}
	for range 2 {
		if err := s.Remove(r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Read(r.Root, r.ID); !errors.Is(err, ErrNoRecord) {
		t.Errorf("after Remove: %v", err)
	}
	if err := s.MarkReady(r); !errors.Is(err, ErrNoRecord) {
		t.Errorf("MarkReady after Remove: %v", err)
	}
	empty(t, s)
}

func empty(t *testing.T, s Store) {
	t.Helper()
	names, err := s.containers.Names("")
	if err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// TestReadyAtOnce: where create sees to the metadata block, or none is wanted,
// nothing is left to be done.
func TestReadyAtOnce(t *testing.T) {
	for block, want := range map[string]bool{BlockAtCreate: true, BlockAllowed: true, BlockAtStart: false, BlockByHook: false} {
		s := open(t)
		r := sample(t.TempDir(), "c1", self(t))
		r.Block = block
		if err := s.Write(r); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Ready(r); err != nil || got != want {
			t.Errorf("%s: ready %t, %v", block, got, err)
		}
		if err := s.Remove(r); err != nil {
			t.Fatal(err)
		}
		empty(t, s)
	}
}

func TestWriteAgainAfterDeath(t *testing.T) {
	s := open(t)
	root := t.TempDir()
	old := sample(root, "c1", gone(1))
	if err := s.Write(old, File{"passwd", []byte("p")}); err != nil {
		t.Fatal(err)
	}
	if err := s.MarkReady(old); err != nil {
		t.Fatal(err)
	}
	now := sample(root, "c1", self(t))
	now.UID = 2001000008
	if err := os.Mkdir(filepath.Join(root, "c1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(now); !errors.Is(err, ErrExists) {
		t.Fatalf("while the runtime has state: %v", err)
	}
	if got, err := s.Read(root, "c1"); err != nil || got.UID != old.UID {
		t.Fatalf("the record of the running container is gone: %+v, %v", got, err)
	}
	if err := os.Remove(filepath.Join(root, "c1")); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(now); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Ready(now); b || err != nil {
		t.Errorf("the block of the run before is taken for this one's: %v", err)
	}
	if err := s.Remove(old); err != nil { // a slow reclaimer
		t.Fatal(err)
	}
	if got, err := s.Read(root, "c1"); err != nil || got.UID != now.UID {
		t.Errorf("got %+v, %v", got, err)
	}
	list, err := s.List()
	if err != nil || len(list) != 1 {
		t.Errorf("List: %v, %v", list, err)
	}
}

func TestWriteRefuses(t *testing.T) {
	s := open(t)
	for name, edit := range map[string]func(*Record){
		"id":      func(r *Record) { r.ID = ".new.x" },
		"no id":   func(r *Record) { r.ID = "" },
		"long id": func(r *Record) { r.ID = strings.Repeat("a", maxID+1) },
		"root":    func(r *Record) { r.Root = "/a/../b" },
		"text":    func(r *Record) { r.Image = "\xff" },
		"pid":     func(r *Record) { r.CreatorPID = 0 },
		"start":   func(r *Record) { r.CreatorStart = 1 << 63 },
	} {
		r := sample("/r", "c", self(t))
		edit(&r)
		if err := s.Write(r); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := s.Write(sample("/r", "c", self(t)), File{Name: "../x"}); err == nil {
		t.Error("file ../x: accepted")
	}
	empty(t, s)
}

func TestOddRecords(t *testing.T) {
	s := open(t)
	write := func(id string) Record {
		r := sample("/r", id, gone(1))
		if err := s.Write(r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	for name, spoil := range map[string]func(path string) error{
		"garbage":   func(p string) error { return os.WriteFile(p, []byte("{"), 0o600) },
		"too large": func(p string) error { return os.Truncate(p, recordLimit+1) },
		"another": func(p string) error {
			o := sample("/r", "other", gone(1))
			return os.WriteFile(p, o.encode(), 0o600)
		},
		"a folder": func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) },
		"a link":   func(p string) error { return errors.Join(os.Remove(p), os.Symlink("/dev/zero", p)) },
		"a FIFO":   func(p string) error { return errors.Join(os.Remove(p), unix.Mkfifo(p, 0o600)) },
	} {
		r := write(strings.ReplaceAll(name, " ", "-"))
		if err := spoil(s.Path(r, recordName)); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Read(r.Root, r.ID); err == nil || errors.Is(err, ErrNoRecord) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if reaped, err := s.Reap(r.key(), r.Creation()); reaped || err == nil {
			t.Errorf("%s was reaped: %v", name, err)
		}
	}
	good := write("good")
	list, err := s.List()
	if err == nil || len(list) != 1 || list[0].ID != good.ID {
		t.Errorf("List: %v, %v", list, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, make := range map[string]func(dir string) error{
		"group may read": func(d string) error { return errors.Join(os.Mkdir(d, 0o700), os.Chmod(d, 0o750)) },
		"others write":   func(d string) error { return errors.Join(os.Mkdir(d, 0o700), os.Chmod(d, 0o777)) },
		"another owner":  func(d string) error { return errors.Join(os.Mkdir(d, 0o700), os.Chown(d, 1234, 0)) },
		"a link":         func(d string) error { return errors.Join(os.Mkdir(d+"2", 0o700), os.Symlink(d+"2", d)) },
		"a file":         func(d string) error { return os.WriteFile(d, nil, 0o600) },
		"above writable": func(d string) error { return os.Chmod(filepath.Dir(d), 0o777) },
		"above foreign":  func(d string) error { return os.Chown(filepath.Dir(d), 1234, 0) },
	} {
		dir := filepath.Join(t.TempDir(), "run")
		if err := make(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); !errors.Is(err, rundir.ErrUntrusted) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open("run"); err == nil {
		t.Error("a relative path was accepted")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(filepath.Join(dir, "run")); err != nil {
		t.Errorf("below a sticky folder: %v", err)
	} else {
		s.Close()
	}
}

func TestReap(t *testing.T) {
	s := open(t)
	root := t.TempDir()
	state := func(id string) {
		if err := os.Mkdir(filepath.Join(root, id), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		id      string
		creator Process
		state   bool
		want    bool
	}{
		{"creating", self(t), false, false},
		{"running", gone(1), true, false},
		{"dead", gone(1), false, true},
	} {
		r := sample(root, c.id, c.creator)
		if err := s.Write(r, File{"passwd", nil}); err != nil {
			t.Fatal(err)
		}
		if c.state {
			state(c.id)
		}
		if alive, err := r.Alive(); alive == c.want || err != nil {
			t.Errorf("%s: alive %v, %v", c.id, alive, err)
		}
		if reaped, err := s.Reap(r.key(), r.Creation()); reaped != c.want || err != nil {
			t.Errorf("%s: reaped %v, %v", c.id, reaped, err)
		}
		if _, err := s.Read(root, c.id); errors.Is(err, ErrNoRecord) != c.want {
			t.Errorf("%s: %v", c.id, err)
		}
	}
	r := sample(root, "x", gone(1))
	r.Flavor = "youki"
	if alive, err := r.Alive(); !alive || err == nil {
		t.Errorf("unknown flavor: %v, %v", alive, err)
	}
	r = sample("/dev/null", "x", gone(1))
	if alive, err := r.Alive(); !alive || err == nil {
		t.Errorf("root that is no folder: %v, %v", alive, err)
	}
}

func TestProcess(t *testing.T) {
	p := self(t)
	if alive, err := p.Alive(); !alive || err != nil {
		t.Errorf("self: %v, %v", alive, err)
	}
	for _, p := range []Process{{p.PID, p.Start + 1}, {1 << 30, 1}} {
		if alive, err := p.Alive(); alive || err != nil {
			t.Errorf("%v: %v, %v", p, alive, err)
		}
	}
	fields := " S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %s 1 2"
	for _, c := range []struct {
		stat string
		want uint64
		ok   bool
	}{
		{"1 (x)" + fmt.Sprintf(fields, "12345"), 12345, true},
		{"1 (a) b (c) 7)" + fmt.Sprintf(fields, "18446744073709551615"), 1<<64 - 1, true},
		{"1 (x)" + fmt.Sprintf(fields, "-1"), 0, false},
		{"1 (x) S 1 1", 0, false},
		{"1 x", 0, false},
		{"", 0, false},
	} {
		if got, ok := parseStart([]byte(c.stat)); got != c.want || ok != c.ok {
			t.Errorf("%q: %d, %v", c.stat, got, ok)
		}
	}
}

func TestCreationName(t *testing.T) {
	p := Process{PID: 4194303, Start: 1<<63 - 1}
	if got, err := Creator(Creation(p, "/r", "c")); got != p || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "1", "1.2", "1.2.3", "x.2." + hash(""), "0.2." + hash(""), "-1.2." + hash("")} {
		if p, err := Creator(bad); err == nil {
			t.Errorf("%q: %v", bad, p)
		}
	}
	if hash("") != "cbf29ce484222325" || hash("foobar") != "85944171f73967e8" { // the vectors of FNV's authors
		t.Error("hash is not FNV-1a")
	}
}

func TestContainerPID(t *testing.T) {
	root := t.TempDir()
	me := self(t)
	put := func(id, file, text string) {
		if err := errors.Join(os.MkdirAll(filepath.Join(root, id), 0o700), os.WriteFile(filepath.Join(root, id, file), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	runc := `{"id":"a","init_process_pid":%d,"init_process_start":%d,"created":"x","config":{"init_process_pid":1}}`
	crun := "{\n    \"pid\": %d,\n    \"process-start-time\": %d,\n    \"cgroup-path\": \"/x\"\n}"
	for _, c := range []struct{ id, flavor, file, text, want string }{
		{"runc", "runc", "state.json", fmt.Sprintf(runc, me.PID, me.Start), ""},
		{"crun", "crun", "status", fmt.Sprintf(crun, me.PID, me.Start), ""},
		{"nested-first", "runc", "state.json", fmt.Sprintf(`{"config":{"init_process_pid":1,"init_process_start":2},"init_process_start":%d,"init_process_pid":%d}`, me.Start, me.PID), ""},
		{"reused", "runc", "state.json", fmt.Sprintf(runc, me.PID, me.Start+1), "is gone"},
		{"zero", "runc", "state.json", fmt.Sprintf(runc, 0, 0), "no running process"},
		{"no-start", "crun", "status", fmt.Sprintf(`{"pid":%d}`, me.PID), "has no pid and process-start-time"},
		{"text", "crun", "status", `{"pid":"1"}`, "want a number"},
		{"cut", "runc", "state.json", `{"init_process_pid":1,`, "EOF"},
		{"no-flavor", "youki", "state.json", "", "unknown"},
		{"no-file", "runc", "status", "", "no such file"},
	} {
		put(c.id, c.file, c.text)
		got, err := ContainerPID(Record{Root: root, ID: c.id, Flavor: c.flavor})
		if c.want == "" && (err != nil || got != me) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, %v", c.id, got, err)
		}
	}
	put("big", "state.json", `{"a":"`)
	if err := os.Truncate(filepath.Join(root, "big", "state.json"), stateLimit*2); err != nil {
		t.Fatal(err)
	}
	if _, err := ContainerPID(Record{Root: root, ID: "big", Flavor: "runc"}); err == nil {
		t.Error("an endless state was read")
	}
}

func BenchmarkWriteRemove(b *testing.B) {
	s := open(b)
	r := sample("/r", strings.Repeat("a", 64), self(b))
	passwd := File{"passwd", make([]byte, 1200)}
	group := File{"group", make([]byte, 700)}
	for b.Loop() {
		if err := s.Write(r, passwd, group); err != nil {
			b.Fatal(err)
		}
		if err := s.Remove(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenRead(b *testing.B) {
	s := open(b)
	r := sample("/r", strings.Repeat("a", 64), self(b))
	if err := s.Write(r); err != nil {
		b.Fatal(err)
	}
	dir := s.dir.Path("")
	for b.Loop() {
		o, err := Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := o.Read(r.Root, r.ID); err != nil {
			b.Fatal(err)
		}
		o.Close()
	}
}

func BenchmarkSelf(b *testing.B) {
	for b.Loop() {
		if _, err := Self(); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	r := sample("/r", "c", Process{7, 8})
	f.Add(r.encode())
	f.Add([]byte(`{"version":1}`))
	f.Add([]byte(`{"version":2,"x":[[[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decode(data)
		if err != nil {
			return
		}
		again, err := decode(r.encode())
		if err != nil || !reflect.DeepEqual(normal(r), normal(again)) {
			t.Errorf("%+v became %+v, %v", r, again, err)
		}
		if _, err := time.Parse(time.RFC3339Nano, r.Created); err != nil {
			t.Error(err)
		}
	})
}

// normal makes an empty list of a nil one.
func normal(r Record) Record {
	r.AdditionalGIDs = append([]uint32{}, r.AdditionalGIDs...)
	r.Capabilities = append([]string{}, r.Capabilities...)
	return r
}
