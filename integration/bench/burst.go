// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/integration/bed"
)

// many makes containers all at once.
func (b *bench) many() {
	rt := bed.DebianRunc(b.p)
	bed.Use(b.p, rt)
	rootfs := bed.Rootfs(b.p)
	took := map[string]time.Duration{}
	var failures []error
	uids := map[uint32]int{}
	for _, v := range []struct{ name, binary string }{{"plain", rt.Path}, {"runclad", b.shim}} {
		cs := make([]container, b.burst)
		for i := range cs {
			cs[i] = b.newContainer(v.binary, rt, rootfs, "sleep", "3600")
		}
		errs := make([]error, b.burst)
		var wg sync.WaitGroup
		start := time.Now()
		for i, c := range cs {
			wg.Go(func() { _, errs[i] = c.create() })
		}
		wg.Wait()
		took[v.name] = time.Since(start)
		for i, c := range cs {
			if errs[i] != nil {
				failures = append(failures, errs[i])
				continue
			}
			if v.name == "runclad" {
				var s specs.Spec
				b.must(json.Unmarshal(c.Config(), &s))
				uids[s.Process.User.UID]++
			}
			_, err := c.delete("--force")
			b.must(err)
		}
	}
	twice := 0
	for _, n := range uids {
		twice += n - 1
	}
	heading("Burst: %d creates at once on %s", b.burst, rt.Name)
	fmt.Printf("plain %s ms, runclad %s ms, ratio %.3f; failures %d, UIDs given twice %d\n", ms(took["plain"]), ms(took["runclad"]),
		float64(took["runclad"])/float64(took["plain"]), len(failures), twice)
	for _, err := range failures {
		fmt.Fprintln(os.Stderr, "burst:", err)
	}
}
