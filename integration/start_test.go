// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/integration/bed"
)

// TestStartIsHandedOff: where create has set the metadata block, start does not
// even look at the record: a broken one does not stop it. Where start has to set
// it, it does.
func TestStartIsHandedOff(t *testing.T) {
	bed.Metadata(t)
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		started := func(netns string) (bed.Result, *bed.Container) {
			c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, netns, "sh", "-c", "/probe net > /tmp/report; sleep 300"))
			if r := c.Create(); r.Code != 0 {
				t.Fatal(r)
			}
			if netns == "" {
				bed.Connect(t, c.Pid())
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
		for _, netns := range []string{bed.NetNS(t), ""} {
			r, c := started(netns)
			if r.Code != 0 {
				t.Fatalf("network namespace %q: %v", netns, r)
			}
			var report bed.Result
			bed.Eventually(t, 10*time.Second, func() error {
				report = c.Exec(nil, "sh", "-c", "cat /tmp/report; test -s /tmp/report")
				return failure(report)
			})
			blocked(t, bed.Report(t, report))
		}
		bed.Policy(t, rootInUserns) // its network namespace must be made in it
		if r, _ := started(""); r.Code == 0 || !strings.Contains(r.Stderr, "record.json") {
			t.Errorf("in a user namespace: %v", r)
		}
	})
}

// TestNetworkNamespace: the block stands when create returns. To the host the
// name of the namespace is an empty file, and when the container is gone nothing
// holds the namespace.
func TestNetworkNamespace(t *testing.T) {
	eachRuntime(t, func(t *testing.T, rt bed.Runtime) {
		c := bed.NewContainer(t, bed.Shim(t), rt, bed.Rootfs(t), specFor(t, "", "sleep", "300"))
		if r := c.Create(); r.Code != 0 {
			t.Fatal(r)
		}
		var s specs.Spec
		if err := json.Unmarshal(c.Config(), &s); err != nil {
			t.Fatal(err)
		}
		name := ""
		for _, ns := range s.Linux.Namespaces {
			if ns.Type == specs.NetworkNamespace {
				name = ns.Path
			}
		}
		if b, err := os.ReadFile(name); err != nil || len(b) != 0 {
			t.Errorf("%q on the host: %q, %v", name, b, err)
		}
		ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", c.Pid()))
		if err != nil {
			t.Fatal(err)
		}
		rules := bed.MustRun(t, "nsenter", "-t", fmt.Sprint(c.Pid()), "-n", "nft", "list", "table", "inet", "runclad").Stdout
		if !strings.Contains(rules, "169.254.169.254") {
			t.Errorf("before start there is no block: %s", rules)
		}
		if held := holders(t, ns); len(held) != 1 {
			t.Errorf("%s is held by %q, want the container's process alone", ns, held)
		}
		c.Must("delete", "--force", c.ID)
		bed.Eventually(t, 10*time.Second, func() error {
			if held := holders(t, ns); len(held) > 0 {
				return fmt.Errorf("%s is still held by %q", ns, held)
			}
			return nil
		})
	})
}

// holders lists what keeps a namespace alive: processes in it, and mounts of it.
func holders(t *testing.T, ns string) []string {
	t.Helper()
	var held []string
	links, err := filepath.Glob("/proc/[0-9]*/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && to == ns {
			held = append(held, link)
		}
		mounts := filepath.Join(filepath.Dir(filepath.Dir(link)), "mountinfo")
		if b, err := os.ReadFile(mounts); err == nil && strings.Contains(string(b), " "+ns+" ") {
			held = append(held, mounts)
		}
	}
	return held
}
