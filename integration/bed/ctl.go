// SPDX-License-Identifier: Apache-2.0

package bed

import "encoding/json"

// Ctl calls runcladctl as an operator does.
func Ctl(t T, args ...string) Result {
	t.Helper()
	return Run(append([]string{ctl(t)}, args...)...)
}

// CtlJSON calls runcladctl and decodes what it prints, whatever its exit status:
// that of some commands says what they found.
func CtlJSON(t T, into any, args ...string) {
	t.Helper()
	r := Ctl(t, append(args, "--json")...)
	if err := json.Unmarshal([]byte(r.Stdout), into); err != nil {
		t.Fatalf("bed: %v: %v", err, r)
	}
}
