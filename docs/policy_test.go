// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"regexp"
	"strings"
	"testing"

	"github.com/runclad/runclad/internal/ctl/policytest"
	"github.com/runclad/runclad/internal/policy"
)

// The policies and the tests that the guide shows can be read.
func TestGuide(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(read(t, "policy.md"), -1)
	policies, tests := 0, 0
	for _, m := range blocks {
		if strings.Contains(m[1], "[[test]]") {
			if _, err := policytest.Parse("policy.md", []byte(m[1])); err != nil {
				t.Error(err)
			}
			tests++
			continue
		}
		if _, err := policy.Parse(policy.Text{Name: "policy.md", Data: []byte(m[1])}); err != nil {
			t.Error(err)
		}
		policies++
	}
	if policies == 0 || tests == 0 {
		t.Errorf("%d policies and %d tests were found", policies, tests)
	}
}
