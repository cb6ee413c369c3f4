// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLossless(t *testing.T) {
	const in = `{"ociVersion":"1.0.2","x":{"Deep":[1.50,1e400,18446744073709551615,null,"\u00e9\"\\/"],"deep":1},"linux":{"resources":{"memory":{"limit":9223372036854775807}}},"annotations":{"A":"1","a":"2"}}`
	d, err := ParseSpec([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(in, `\u00e9`, "é")
	if got := string(d.Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRefused(t *testing.T) {
	deep := strings.Repeat(`{"x":`, 40) + "1" + strings.Repeat("}", 40)
	for name, tc := range map[string]struct {
		in   string
		want error
		text string
	}{
		"duplicate":           {`{"ociVersion":"1.0.0","process":{},"process":{}}`, nil, "duplicate"},
		"duplicate, escaped":  {`{"ociVersion":"1.0.0","process":{},"pro\u0063ess":{}}`, nil, "duplicate"},
		"case variant":        {`{"ociVersion":"1.0.0","Process":{}}`, ErrKey, `"Process" differs only in case from "process"`},
		"case variant, deep":  {`{"ociVersion":"1.0.0","process":{"user":{"UID":0}}}`, ErrKey, "uid"},
		"Kelvin sign":         {`{"ociVersion":"1.0.0","hoo\u212as":{}}`, ErrKey, "hooks"},
		"long s":              {`{"ociVersion":"1.0.0","proce\u017f\u017f":{}}`, ErrKey, "process"},
		"wrong type":          {`{"ociVersion":"1.0.0","process":{"capabilities":"all"}}`, ErrShape, "want object, have string"},
		"fraction":            {`{"ociVersion":"1.0.0","process":{"user":{"uid":0.5}}}`, ErrShape, "integer"},
		"exponent":            {`{"ociVersion":"1.0.0","process":{"user":{"uid":1e3}}}`, ErrShape, "integer"},
		"trailing":            {`{"ociVersion":"1.0.0"}{}`, nil, "follows"},
		"major":               {`{"ociVersion":"2.0.0"}`, nil, "version 1"},
		"no version":          {`{}`, nil, "ociVersion"},
		"not an object":       {`[]`, ErrShape, "want"},
		"null":                {`null`, ErrShape, "want object"},
		"too deep":            {`{"ociVersion":"1.0.0","x":` + deep + `}`, ErrTooDeep, "deeper"},
		"too large":           {`{"ociVersion":"` + strings.Repeat("1", MaxSize) + `"}`, ErrTooLarge, "4 MiB"},
		"invalid UTF-8":       {"{\"ociVersion\":\"1.0.0\",\"hostname\":\"\xff\"}", nil, "UTF-8"},
		"truncated":           {`{"ociVersion":"1.0.0"`, nil, "EOF"},
		"mapping, wrong type": {`{"ociVersion":"1.0.0","annotations":{"a":1}}`, ErrShape, "string"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseSpec([]byte(tc.in))
			if err == nil {
				t.Fatal("accepted")
			}
			if tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("error %v is not %v", err, tc.want)
			}
			if !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error %q lacks %q", err, tc.text)
			}
		})
	}
}

func TestNewerMinorWarns(t *testing.T) {
	d, err := ParseSpec([]byte(`{"ociVersion":"1.9.0"}`))
	if err != nil || len(d.Warnings()) != 1 {
		t.Fatalf("err %v, warnings %v", err, d.Warnings())
	}
}

func TestEditsAreAscribed(t *testing.T) {
	d, err := ParseSpec([]byte(`{"ociVersion":"1.0.0","process":null,"mounts":[{"destination":"/tmp","type":"tmpfs"},{"destination":"/x"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	d.As("one")
	p := d.Ensure(d.Root(), "process", Object)
	d.Set(p, "noNewPrivileges", Flag(true))
	d.Set(p, "noNewPrivileges", Flag(true)) // no change, no record
	d.As("two")
	m := d.Get("mounts").Elems()[0]
	d.Set(m, "options", Texts("ro"))
	d.Remove(d.Get("mounts").Elems()[1])
	d.Add(d.Get("mounts"), Map(M("destination", Text("/y")), M("type", nil)))
	d.Delete(d.Root(), "absent")
	var got []string
	for _, c := range d.Changes() {
		got = append(got, c.Step+" "+c.Path+" "+c.From.String()+" "+c.To.String())
	}
	want := []string{
		`one process.noNewPrivileges null true`,
		`two mounts[/tmp].options null ["ro"]`,
		`two mounts[/x] {"destination":"/x"} null`,
		`two mounts[/y] null {"destination":"/y"}`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	const doc = `{"ociVersion":"1.0.0","process":{"noNewPrivileges":true},"mounts":[{"destination":"/tmp","type":"tmpfs","options":["ro"]},{"destination":"/y"}]}`
	if string(d.Bytes()) != doc {
		t.Errorf("document %s", d.Bytes())
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.json")
	if err := os.WriteFile(path, []byte("one"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 1234, 5678); err != nil {
		t.Fatal(err)
	}
	f, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Replace([]byte("two")); err != nil {
		t.Fatal(err)
	}
	g, err := ReadFile(path)
	if err != nil || string(g.Data()) != "two" || g.stat.Uid != 1234 || g.stat.Gid != 5678 || g.stat.Mode&0o7777 != 0o640 {
		t.Fatalf("after Replace: %v %q %+v", err, g.Data(), g.stat)
	}
	if err := f.Restore(); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "one" {
		t.Errorf("after Restore: %q", b)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(link); err == nil {
		t.Error("followed a link")
	}
	if _, err := ReadFile(dir); err == nil {
		t.Error("read a directory")
	}
}

// Every name of the schema must fold to a different name within its object,
// else the shape table could not tell them apart.
func TestShapesAreSortedAndDistinct(t *testing.T) {
	seen := map[*shape]bool{}
	var walk func(*shape)
	walk = func(s *shape) {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		for i, f := range s.fields {
			if f.fold != fold(f.name) || i > 0 && s.fields[i-1].fold >= f.fold {
				t.Errorf("field %q out of order or folded wrongly", f.name)
			}
			walk(f.shape)
		}
		walk(s.elem)
	}
	walk(&shapeSpec)
	walk(&shapeProcess)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"ociVersion":"1.0.2","process":{"args":["sh"],"env":["A=b"]},"x":[1,2.5,null,{"y":"\n"}]}`))
	f.Add([]byte(`{"ociVersion":"1.0.2","annotations":{"a":"1","A":"2"}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := ParseSpec(in)
		if err != nil {
			return
		}
		out := d.Bytes()
		again, err := ParseSpec(out)
		if err != nil {
			t.Fatalf("own output refused: %v\n%s", err, out)
		}
		if !d.Root().Equal(again.Root()) {
			t.Fatalf("changed in a round trip: %s", out)
		}
	})
}

// TestStart: a value cut short is the beginning of the whole.
func TestStart(t *testing.T) {
	const text = `{"a":[1,2,{"b":"text","c":[]}],"d":null,"e":{"f":"g"}}`
	v, err := ParseValue([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []*Value{v, Raw(text), List(Raw(text), Raw(text))} {
		whole := v.String()
		for n := range len(whole) + 2 {
			have, all := v.Start(n)
			if want := whole[:min(n, len(whole))]; have != want || all != (n >= len(whole)) {
				t.Errorf("the first %d bytes are %q (all: %v), want %q", n, have, all, want)
			}
		}
	}
}
