// SPDX-License-Identifier: Apache-2.0

// Package corpus gives tests the specifications that real engines sent, to hold
// against them what runcladctl makes in the place of an engine. Only tests import
// it.
package corpus

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// dir is seen from the packages beside enginespec, whose tests run in their own
// folders.
const dir = "../../harden/testdata/corpus"

// T is the part of testing.T that is needed: package testing registers flags, and
// only tests may import it.
type T interface {
	Helper()
	Fatal(args ...any)
	Errorf(format string, args ...any)
}

// Spec returns the first specification of a scenario, which is named by its
// engine and its folder.
func Spec(t T, scenario string) *specs.Spec {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, scenario, "*.config.json"))
	if err != nil || len(files) == 0 {
		t.Fatal(scenario, err, files)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var s specs.Spec
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// Compare holds what was made against what an engine sent, key by key.
func Compare(t T, made, sent map[string]any) {
	t.Helper()
	both := maps.Clone(made)
	maps.Copy(both, sent)
	for _, k := range slices.Sorted(maps.Keys(both)) {
		if !reflect.DeepEqual(made[k], sent[k]) {
			t.Errorf("%s: made %v\n        sent %v", k, made[k], sent[k])
		}
	}
}
