// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"path/filepath"
	"testing"
)

// TestInUse: in both layouts, in the cgroup itself or below it.
func TestInUse(t *testing.T) {
	for layout, hierarchy := range map[string]string{"v1": "memory", "v2": ""} {
		root := t.TempDir()
		for dir, procs := range map[string]string{"": "", "sys": "", "sys/svc": "12\n13\n", "new": ""} {
			dir = filepath.Join(root, hierarchy, dir)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(procs), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for cgroup, want := range map[string]bool{
			"/sys/svc": true, "/sys": true, "sys/svc": true, "/new": false, "/missing": false, "/sys/new": false, "": false, "sys:svc:new": false,
		} {
			if got, err := inUse(root, cgroup); got != want || err != nil {
				t.Errorf("%s, %q: %t, %v", layout, cgroup, got, err)
			}
		}
	}
}
