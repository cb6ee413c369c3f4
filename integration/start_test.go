// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runclad/runclad/integration/bed"
)

// TestStartIsHandedOff: where create has set the metadata block, start does not
// even look at the record: a broken one does not stop it. Where start has to set
// it, it does.
func TestStartIsHandedOff(t *testing.T) {
	bed.Metadata(t)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		broken := func(netns string) (bed.Result, *bed.Container) {
			c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, netns, "sh", "-c", "/probe net > /tmp/report; sleep 300"))
			if r := c.Create(); r.Code != 0 {
				t.Fatal(r)
			}
			records, err := filepath.Glob("/run/runclad/container/" + c.ID + ".*/*/record.json")
			if err != nil || len(records) != 1 {
				t.Fatalf("%q, %v", records, err)
			}
			bed.MustRun(t, "cp", records[0], records[0]+".kept")
			bed.Write(t, records[0], "{")
			r := c.Call("start", c.ID)
			bed.MustRun(t, "mv", records[0]+".kept", records[0])
			return r, c
		}
		r, c := broken(bed.NetNS(t))
		if r.Code != 0 {
			t.Fatalf("in a network namespace that was there: %v", r)
		}
		var report bed.Result
		bed.Eventually(t, 10*time.Second, func() error {
			report = c.Exec(nil, "sh", "-c", "cat /tmp/report; test -s /tmp/report")
			return failure(report)
		})
		blocked(t, bed.Report(t, report))
		if r, _ := broken(""); r.Code == 0 || !strings.Contains(r.Stderr, "record.json") {
			t.Errorf("in one of the runtime's making: %v", r)
		}
	})
}
