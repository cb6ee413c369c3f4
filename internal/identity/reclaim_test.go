// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/runclad/runclad/internal/record"
)

// Every dead one is found by visits of constant size, on tmpfs and on the file
// system of the temporary folder.
func TestReclaimFindsAll(t *testing.T) {
	for _, at := range []string{"", os.TempDir()} {
		n := newNode(t, at)
		for i := range 200 {
			if _, err := n.create(n.request(fmt.Sprint("alive", i), "", gone(i))); err != nil {
				t.Fatal(err)
			}
			if _, err := n.create(n.request(fmt.Sprint("dead", i), "", gone(i))); err != nil {
				t.Fatal(err)
			}
			if err := n.delete(fmt.Sprint("dead", i)); err != nil {
				t.Fatal(err)
			}
		}
		freed := 0
		for range 450 {
			w, err := n.Reclaim()
			if err != nil {
				t.Fatal(err)
			}
			if seen := w.Members + w.Alive; seen > 3 {
				t.Fatalf("one visit looked at %d members", seen)
			}
			freed += w.IDs
		}
		if freed != 200 {
			t.Errorf("%s: %d of 200 freed", at, freed)
		}
		n.exact(t)
	}
}

// The number of dead ones stays bounded when each create leaves one behind.
func TestReclaimKeepsUp(t *testing.T) {
	n := newNode(t, "")
	for i := range 50 {
		if _, err := n.create(n.request(fmt.Sprint("alive", i), "", gone(i))); err != nil {
			t.Fatal(err)
		}
	}
	most := 0
	for i := range 1000 {
		id := fmt.Sprint("short", i)
		if _, err := n.create(n.request(id, "", gone(i))); err != nil {
			t.Fatal(err)
		}
		if err := n.delete(id); err != nil {
			t.Fatal(err)
		}
		must[Swept](t)(n.Reclaim())
		if i > 500 {
			most = max(most, len(names(t, filepath.Join(n.dir, "run", "uid"))))
		}
	}
	if most > 150 {
		t.Errorf("up to %d IDs taken by 50 containers", most)
	}
}

// An engine restarts one container for ever; the members of the runs before
// must go although the runtime has state for the ID.
func TestRestarts(t *testing.T) {
	n := newNode(t, "")
	for i := range 100 {
		if i > 0 {
			if err := n.delete("a"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := n.create(n.request("a", "", gone(i))); err != nil {
			t.Fatal(err)
		}
		must[Swept](t)(n.Reclaim())
		must[Swept](t)(n.Reclaim())
	}
	if got := names(t, filepath.Join(n.dir, "run", "uid")); len(got) > 2 {
		t.Errorf("%d IDs for one container", len(got))
	}
	must[Swept](t)(n.Sweep())
	n.exact(t)
}

// Containers of a pod crash and are created anew while the pod lives.
func TestCrashLoop(t *testing.T) {
	n := newNode(t, "")
	if _, err := n.create(n.request("pod", "pod", gone(0))); err != nil {
		t.Fatal(err)
	}
	most := 0
	for i := range 200 {
		id := fmt.Sprint("w", i)
		if _, err := n.create(n.request(id, "pod", gone(i))); err != nil {
			t.Fatal(err)
		}
		if err := n.delete(id); err != nil {
			t.Fatal(err)
		}
		must[Swept](t)(n.Reclaim())
		most = max(most, len(names(t, filepath.Join(n.dir, "run", "container"))))
	}
	if most > 10 {
		t.Errorf("up to %d records for one container", most)
	}
	n.exact(t)
}

// What cannot be judged stays, and is named.
func TestDoubt(t *testing.T) {
	n := newNode(t, "")
	uids := filepath.Join(n.dir, "run", "uid")
	dead := "c.1.99999999999." + "0123456789abcdef"
	for i, link := range []struct{ name, text string }{
		{dead, "youki:a:/nowhere"},
		{dead, "runc:a:/dev/null"},
		{dead, "runc:a:relative"},
		{dead, "gibberish"},
		{"x.1.2", "runc:a:/nowhere"},
		{"c.1.2", "runc:a:/nowhere"},
	} {
		dir := filepath.Join(uids, strconv.Itoa(20001+i))
		if err := errors.Join(os.Mkdir(dir, 0o700), os.Symlink(link.text, filepath.Join(dir, link.name))); err != nil {
			t.Fatal(err)
		}
	}
	w, err := n.Sweep()
	if err == nil || w.Alive != 6 || w.IDs != 0 || len(names(t, uids)) != 6 {
		t.Errorf("%+v, %v", w, err)
	}
}

// Processes that create, restart and delete containers are killed at random
// points. What they had running must be complete; everything else must go, by
// Sweep or by enough visits of Reclaim.
func TestKill(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 20
	}
	n := newNode(t, "")
	for round := range rounds {
		var cmds []*exec.Cmd
		for i := range 3 {
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = []string{"IDENTITY_TEST_CHILD=crash", "NODE=" + n.dir, fmt.Sprintf("NAME=r%d-%d", round, i), "GOMAXPROCS=1"}
			cmd.Stderr = os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			cmds = append(cmds, cmd)
		}
		time.Sleep(10 * time.Millisecond) // to start
		for _, cmd := range cmds {
			time.Sleep(time.Duration(rand.IntN(5000)) * time.Microsecond)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() > 0 {
				t.Fatalf("a child failed: %v", err)
			}
		}
		if round%2 == 0 {
			must[Swept](t)(n.Sweep())
		} else {
			for range len(names(t, filepath.Join(n.dir, "run", "uid"))) + 10 {
				must[Swept](t)(n.Reclaim())
			}
		}
		n.exact(t)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
		// Keep the number of the living in bounds.
		for _, r := range n.alive(t) {
			if r.Sandbox == "" && rand.IntN(2) == 0 || r.Sandbox != "" && round%5 == 4 {
				if err := n.delete(r.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// crashChild creates, restarts and deletes containers until it is killed. After
// each step, what it has running must be there in full.
func crashChild() error {
	n, err := openNode(os.Getenv("NODE"))
	if err != nil {
		return err
	}
	mine := map[string]record.Record{}
	for {
		name := os.Getenv("NAME") + "-" + strconv.Itoa(rand.IntN(6))
		sandbox := ""
		switch rand.IntN(3) {
		case 0:
			sandbox = os.Getenv("NAME") + "-pod" + strconv.Itoa(rand.IntN(2))
		case 1:
			name = os.Getenv("NAME") + "-pod" + strconv.Itoa(rand.IntN(2))
			sandbox = name
		}
		if sandbox != "" && sandbox != name {
			name += "-in-" + sandbox
		}
		if _, ok := mine[name]; ok { // it ends; a sandbox after its containers
			for id, r := range mine {
				if id != name && r.Sandbox == name {
					if err := n.delete(id); err != nil {
						return err
					}
					delete(mine, id)
				}
			}
			if err := n.delete(name); err != nil {
				return err
			}
			delete(mine, name)
		}
		if _, ok := mine[sandbox]; sandbox != "" && sandbox != name && !ok {
			continue
		}
		creator, end, err := creator()
		if err != nil {
			return err
		}
		r := n.request(name, sandbox, creator)
		id, err := n.create(r)
		end()
		if errors.Is(err, record.ErrExists) {
			continue
		}
		if err != nil {
			return fmt.Errorf("create %s: %w", name, err)
		}
		mine[name] = n.recordOf(r, id)
		if _, err := n.Reclaim(); err != nil {
			return err
		}
		for _, r := range mine {
			if _, err := n.records.Read(r.Root, r.ID); err != nil {
				return fmt.Errorf("lost: %w", err)
			}
			member := strconv.FormatUint(uint64(r.HostUID), 10) + "/c." + r.Creation()
			there, err := n.uids.Exists(member)
			if err == nil && !there {
				err = errors.New("it is gone")
			}
			if err != nil {
				return fmt.Errorf("lost: %s: %w", member, err)
			}
		}
	}
}

// What a create costs with 0, 200 and 1,000 containers alive: the claim, the
// record, and the visit.
func BenchmarkCreate(b *testing.B) {
	for _, alive := range []int{0, 200, 1000} {
		b.Run(strconv.Itoa(alive), func(b *testing.B) {
			n := newNode(b, "")
			for i := range alive {
				if _, err := n.create(n.request(fmt.Sprint("alive", i), "", gone(50*i+1))); err != nil {
					b.Fatal(err)
				}
			}
			var claim, write, visit time.Duration
			passwd := record.File{Name: "passwd", Data: make([]byte, 1200)}
			group := record.File{Name: "group", Data: make([]byte, 700)}
			i := 0
			for b.Loop() {
				i++
				r := n.request(fmt.Sprint("c", i), "", gone(50*i+1))
				r.Paths = HostPaths
				t0 := time.Now()
				id, err := n.Claim(r)
				t1 := time.Now()
				if err != nil {
					b.Fatal(err)
				}
				if err := n.records.Write(n.recordOf(r, id), passwd, group); err != nil {
					b.Fatal(err)
				}
				t2 := time.Now()
				if _, err := n.Reclaim(); err != nil {
					b.Fatal(err)
				}
				claim, write, visit = claim+t1.Sub(t0), write+t2.Sub(t1), visit+time.Since(t2)
			}
			per := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.N) }
			b.ReportMetric(per(claim), "claim-µs")
			b.ReportMetric(per(write), "write-µs")
			b.ReportMetric(per(visit), "visit-µs")
		})
	}
}
