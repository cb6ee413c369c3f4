// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/workload"
)

var update = flag.Bool("update", false, "write policy.schema.json anew")

const schemaFile = "policy.schema.json"

type object = map[string]any

// values are those that a key of a profile can have, where it has a list.
// TestSchemaValues holds them against what the policy accepts.
var values = map[string][]string{
	"base":             {"default", "strict", "baseline", "system"},
	"credentials":      {"warn", "refuse", "ignore"},
	"identity":         {"random", "image", "root-in-userns"},
	"seccomp":          {"default", "strict", "engine", "keep", "unconfined"},
	"volumes":          {"map", "keep"},
	"host_binds":       {"as-asked", "read-only"},
	"metadata":         {"block", "allow"},
	"task_credentials": {"allow", "block"},
}

const (
	absolute   = "^/([^/]+(/[^/]+)*)?$"
	capability = "^([Cc][Aa][Pp]_)?[A-Za-z_]+$"
)

// patterns are those that strings of a list have to match.
var patterns = map[string]string{
	"host_paths": absolute, "hooks": absolute, "writable": absolute, "exec": absolute,
	"devices": `^(\*|/.*)$`, "capabilities": capability,
}

// minima of numbers.
var minima = map[string]int{"uid_range": 10001, "tmpfs_size": 4096, "pids_limit": 1}

// TestSchema: the JSON Schema by which editors complete and check a policy is
// what the Go types say. -update writes it.
func TestSchema(t *testing.T) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(schema(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, schemaFile) != buf.String() {
		t.Errorf("%s is not up to date: go test ./docs -run TestSchema -update", schemaFile)
	}
}

// schema is of draft 7, the newest that editors of TOML know.
func schema(t *testing.T) object {
	return object{
		"$schema":              "http://json-schema.org/draft-07/schema#",
		"$id":                  "https://github.com/runclad/runclad/raw/main/docs/" + schemaFile,
		"title":                "Policy of runclad",
		"description":          "/etc/runclad/policy.toml and the files of policy.d; see runclad-policy(5).",
		"type":                 "object",
		"additionalProperties": false,
		"properties": object{
			"audit":    object{"enum": []string{policy.AuditRequired, policy.AuditBestEffort}, "default": policy.AuditRequired, "description": "What happens to a container when its audit line cannot be written."},
			"on_error": object{"enum": []string{policy.OnErrorRefuse, policy.OnErrorLastGood}, "default": policy.OnErrorRefuse, "description": "What happens to a container when the policy cannot be read or understood."},
			"profile": object{
				"type": "object", "description": "Profiles by name: the built-in ones, as changed, and others.",
				"properties":           object{policy.ProfilePrivileged: false},
				"additionalProperties": object{"$ref": "#/definitions/profile"},
			},
			"rule": object{"type": "array", "items": object{"$ref": "#/definitions/rule"}, "description": "Tried in order; the first that matches decides."},
		},
		"definitions": object{
			"profile":  profileSchema(t),
			"rule":     ruleSchema(t),
			"match":    matchSchema(t),
			"patterns": object{"anyOf": []any{object{"type": "string"}, object{"type": "array", "items": object{"type": "string"}, "minItems": 1}}},
		},
	}
}

func profileSchema(t *testing.T) object {
	says := comments(t, "profile.go", "Profile")
	defaults := reflect.ValueOf(*policy.Default().Profile())
	properties := object{}
	for i := range defaults.NumField() {
		f := defaults.Type().Field(i)
		key := f.Tag.Get("toml")
		if key == "-" {
			continue
		}
		p := object{"description": says[f.Name], "default": defaults.Field(i).Interface()}
		switch f.Type.Kind() {
		case reflect.String:
			p["type"] = "string"
			if values[key] == nil {
				t.Errorf("the values of %s are not listed", key)
			}
			p["enum"] = values[key]
		case reflect.Bool:
			p["type"] = "boolean"
		case reflect.Int64:
			p["type"], p["minimum"] = "integer", minima[key]
		case reflect.Array:
			p["type"], p["minItems"], p["maxItems"], p["items"] = "array", 2, 2, object{"type": "integer", "minimum": minima[key]}
		case reflect.Slice:
			items := object{"type": "string"}
			if patterns[key] != "" {
				items["pattern"] = patterns[key]
			}
			p["type"], p["items"], p["default"] = "array", items, []string{}
		default:
			t.Errorf("%s is of a kind that has no schema: %s", key, f.Type)
		}
		properties[key] = p
	}
	return object{"type": "object", "additionalProperties": false, "properties": properties}
}

func ruleSchema(t *testing.T) object {
	says := comments(t, "rule.go", "Rule")
	text := func(name string) object { return object{"type": "string", "description": says[name]} }
	name, mode := text("Name"), text("Mode")
	name["minLength"], name["description"] = 1, "The name by which audit lines and refusals speak of the rule."
	mode["enum"], mode["default"] = []string{policy.ModeEnforce, policy.ModeAudit, policy.ModeRefuse}, policy.ModeEnforce
	mode["description"] = "enforce: the workload gets the profile. audit: it starts as its engine asked, and the audit line says what the profile would have made of it. refuse: it does not start."
	expires := text("Expires")
	delete(expires, "type") // a date or a string
	expires["description"] = "When the rule stops to match: a date, which ends with its day in UTC, or a time with its offset."
	return object{
		"type": "object", "additionalProperties": false, "required": []string{"name"},
		"properties": object{
			"name": name, "profile": text("Profile"), "mode": mode, "reason": text("Reason"), "owner": text("Owner"), "expires": expires,
			"claims": object{"type": "boolean", "default": false, "description": says["Claims"]},
			"requestable": object{
				"type": "array", "description": says["Requestable"], "items": object{"enum": policy.Requestable[:]},
			},
			"match": object{"$ref": "#/definitions/match"},
		},
		"if": object{"properties": object{"mode": object{"const": policy.ModeRefuse}}, "required": []string{"mode"}}, "then": object{"properties": object{"profile": false}},
	}
}

func matchSchema(t *testing.T) object {
	some := func(says string) object {
		return object{"allOf": []any{object{"$ref": "#/definitions/patterns"}}, "description": says}
	}
	pairs := func(of string) object {
		return object{"type": "object", "additionalProperties": object{"$ref": "#/definitions/patterns"}, "description": "Patterns for values of " + of + "."}
	}
	return object{
		"type": "object", "additionalProperties": false,
		"description": comments(t, "rule.go", "")["Match"],
		"properties": object{
			"engine":    some("Patterns of " + strings.Join(workload.Engines[:], ", ") + "."),
			"namespace": some("Of Kubernetes, else of containerd."),
			"pod":       some("The pod's name."), "container": some("The container's name."),
			"image":      some(comments(t, "rule.go", "Match")["Image"]),
			"annotation": pairs("annotations"), "label": pairs("labels"),
			"sandbox": object{"type": "boolean", "description": comments(t, "rule.go", "Match")["Sandbox"]},
		},
	}
}

// comments returns the doc comments of a struct's fields, each name of a field
// as its key; of the file's types where no struct is named.
func comments(t *testing.T, file, structure string) map[string]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../internal/policy", file), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch d := n.(type) {
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if ts, ok := s.(*ast.TypeSpec); ok && structure == "" {
					out[ts.Name.Name] = strings.Join(strings.Fields(d.Doc.Text()), " ")
				}
			}
		case *ast.TypeSpec:
			s, ok := d.Type.(*ast.StructType)
			if !ok || d.Name.Name != structure {
				break
			}
			text := "" // one comment may be for several fields
			keys := map[string]string{}
			for _, field := range s.Fields.List {
				for _, name := range field.Names {
					keys[name.Name] = strings.ToLower(name.Name)
					if field.Tag != nil {
						keys[name.Name] = reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("toml")
					}
				}
			}
			for _, field := range s.Fields.List {
				if field.Doc != nil {
					text = strings.Join(strings.Fields(field.Doc.Text()), " ")
				}
				for _, name := range field.Names {
					out[name.Name] = regexp.MustCompile(`\b[A-Z]\w+\b`).ReplaceAllStringFunc(text, func(word string) string {
						if key := keys[word]; key != "" && key != "-" {
							return key
						}
						return word
					})
				}
			}
		}
		return true
	})
	return out
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	f, err := os.Open(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaFile, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// judge says what the schema and what runclad think of a policy.
func judge(t *testing.T, s *jsonschema.Schema, text string) (bySchema, byRunclad error) {
	t.Helper()
	var v object
	if err := toml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	data, err := json.Marshal(v) // an editor's instance: dates become strings
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	_, byRunclad = policy.Parse(policy.Text{Name: "policy.toml", Data: []byte(text)})
	return s.Validate(instance), byRunclad
}

// TestSchemaExamples: the schema and runclad agree on good policies and on bad
// ones.
func TestSchemaExamples(t *testing.T) {
	s := compiled(t)
	good, _ := filepath.Glob("testdata/policy/good-*.toml")
	bad, _ := filepath.Glob("testdata/policy/bad-*.toml")
	if len(good) < 3 || len(bad) < 10 {
		t.Fatalf("%d good and %d bad examples", len(good), len(bad))
	}
	for _, name := range append(good, "../deploy/policy.toml") {
		if bySchema, byRunclad := judge(t, s, read(t, name)); bySchema != nil || byRunclad != nil {
			t.Errorf("%s: %v; %v", name, bySchema, byRunclad)
		}
	}
	for _, name := range bad {
		if bySchema, byRunclad := judge(t, s, read(t, name)); bySchema == nil || byRunclad == nil {
			t.Errorf("%s: schema: %v; runclad: %v", name, bySchema, byRunclad)
		}
	}
}

// TestSchemaValues: what the schema lists is what the policy accepts.
func TestSchemaValues(t *testing.T) {
	s := compiled(t)
	for key, list := range values {
		for _, v := range append(slices.Clone(list), "something else") {
			bySchema, byRunclad := judge(t, s, fmt.Sprintf("[profile.own]\n%s = %q\n", key, v))
			if want := v != "something else"; (bySchema == nil) != want || (byRunclad == nil) != want {
				t.Errorf("%s = %q: %v; %v", key, v, bySchema, byRunclad)
			}
		}
	}
	for key, least := range minima {
		for _, n := range []int{least, least - 1} {
			text := fmt.Sprintf("[profile.own]\n%s = %d\n", key, n)
			if key == "uid_range" {
				text = fmt.Sprintf("[profile.own]\n%s = [%d, 20000]\n", key, n)
			}
			bySchema, byRunclad := judge(t, s, text)
			if want := n == least; (bySchema == nil) != want || (byRunclad == nil) != want {
				t.Errorf("%s: %v; %v", text, bySchema, byRunclad)
			}
		}
	}
}
