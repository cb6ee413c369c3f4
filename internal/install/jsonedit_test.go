// SPDX-License-Identifier: Apache-2.0

package install

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestSet(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", `{}`, "{\n  \"a\": {\n    \"b\": {\n      \"x\": 1\n    }\n  }\n}"},
		{"blank inside", "{\n}\n", "{\n  \"a\": {\n    \"b\": {\n      \"x\": 1\n    }\n  }\n}\n"},
		{"one line", `{"k":1}`, `{"k":1, "a": {"b":{"x":1}}}`},
		{"tabs", "{\n\t\"k\": 1\n}", "{\n\t\"k\": 1,\n\t\"a\": {\n\t\t\"b\": {\n\t\t\t\"x\": 1\n\t\t}\n\t}\n}"},
		{"there, empty", "{\n    \"a\": {}\n}", "{\n    \"a\": {\n        \"b\": {\n            \"x\": 1\n        }\n    }\n}"},
		{"there, one line", `{"a":{ "c":2 },"k":1}`, `{"a":{ "c":2, "b": {"x":1} },"k":1}`},
		{"there, lines", "{\"a\":{\n \"c\":2\n}}", "{\"a\":{\n \"c\":2,\n \"b\": {\n   \"x\": 1\n }\n}}"},
		{"replaced", `{"a": {"b": {"y":[ 2 ]} , "c":2}}`, `{"a": {"b": {"x":1} , "c":2}}`},
		{"escaped name", `{"\u0061":{"c":2}}`, `{"\u0061":{"c":2, "b": {"x":1}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := set([]byte(c.text), `{"x":1}`, "a", "b")
			if err != nil || string(got) != c.want {
				t.Fatalf("%v, got\n%s\nwant\n%s", err, got, c.want)
			}
			if again, err := set(got, `{"x":1}`, "a", "b"); err != nil || !sameJSON(got, again) {
				t.Errorf("the second time: %v\n%s", err, again)
			}
			back, err := unset(got, "a", "b")
			if v, e := lookup(back, "a", "b"); err != nil || e != nil || v != nil {
				t.Errorf("unset leaves %s: %v, %v", back, err, e)
			}
		})
	}
}

func TestUnset(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":{"b":1}}`:                     `{"a":{}}`,
		`{"a":{"b":1, "c":2}}`:              `{"a":{"c":2}}`,
		`{"a":{"c":2, "b":1 }}`:             `{"a":{"c":2 }}`,
		"{\"a\":{\n \"c\":2,\n \"b\":1\n}}": "{\"a\":{\n \"c\":2\n}}",
		`{"a":{"c":2}}`:                     `{"a":{"c":2}}`,
		`{"c":2}`:                           `{"c":2}`,
	} {
		if got, err := unset([]byte(text), "a", "b"); err != nil || string(got) != want {
			t.Errorf("%s: %v, %s", text, err, got)
		}
	}
}

func TestEditRefuses(t *testing.T) {
	for _, text := range []string{``, `[]`, `{"a":1}`, `{"a":{}`, `{} {}`, `{"a":{},"a":{}}`, `{"a":{"c":1,"c":2}}`} {
		if got, err := set([]byte(text), "1", "a", "b"); err == nil {
			t.Errorf("%s became %s", text, got)
		}
	}
}

// Whatever is in the file: what was not spoken of stays in its place, and the
// result is what was meant.
func FuzzSet(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":{"b":[{}]},"k":[1,2,{"x":null}]}`, "{\n\t\"a\" : { } ,\n\"z\":\"\\u00e9\"}", `{"a":{"q":1e400}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := set(text, `"v"`, "a", "b")
		if err != nil {
			return
		}
		if v, err := lookup(got, "a", "b"); err != nil || string(v) != `"v"` {
			t.Fatalf("%q became %q: %s, %v", text, got, v, err)
		}
		rest := func(text []byte) string {
			out, err := unset(text, "a")
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			v := jsontext.Value(out)
			if err := v.Compact(); err != nil {
				t.Fatalf("%q: %v", out, err)
			}
			return string(v)
		}
		if rest(text) != rest(got) {
			t.Fatalf("%q became %q", text, got)
		}
	})
}
