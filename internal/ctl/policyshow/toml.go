// SPDX-License-Identifier: Apache-2.0

package policyshow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// TOML writes a value of a profile, or a pattern of a rule, as the policy file
// would have it: a string, a number, a boolean, or a list of those.
func TOML(v any) string {
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice && r.Kind() != reflect.Array {
		return scalar(v)
	}
	list := make([]string, r.Len())
	for i := range list {
		list[i] = scalar(r.Index(i).Interface())
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// scalar relies on it that JSON's strings are TOML's basic strings as well.
func scalar(v any) string {
	s, ok := v.(string)
	if !ok {
		return fmt.Sprint(v)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return fmt.Sprintf("%q", s)
	}
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007f`)
}
