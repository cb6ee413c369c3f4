// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/runclad/runclad/internal/record"
	"golang.org/x/sys/unix"
)

func TestClaim(t *testing.T) {
	n := newNode(t, "")
	me := must[record.Process](t)(record.Self())
	id, err := n.create(n.request("a", "", me))
	if err != nil {
		t.Fatal(err)
	}
	if id.UID != id.GID || id.UID != id.HostUID || id.GID != id.HostGID || id.UID < DefaultRange.First || id.UID > DefaultRange.Last {
		t.Errorf("got %+v", id)
	}
	n.exact(t)
	// A creation that the engine gives up.
	r := n.request("b", "", me)
	other := must[Identity](t)(n.Claim(r))
	if other == id {
		t.Errorf("%+v twice", id)
	}
	for range 2 {
		if err := n.Release(r.Owner, other); err != nil {
			t.Fatal(err)
		}
	}
	n.exact(t)
}

func TestClaimRefuses(t *testing.T) {
	n := newNode(t, "")
	me := must[record.Process](t)(record.Self())
	for name, edit := range map[string]func(*Request){
		"flavor":  func(r *Request) { r.Flavor = "youki" },
		"root":    func(r *Request) { r.Root = "x" },
		"id":      func(r *Request) { r.ID = "a/b" },
		"sandbox": func(r *Request) { r.Sandbox = "a:b" },
		"creator": func(r *Request) { r.Creator = record.Process{} },
		"range":   func(r *Request) { r.Range = Range{1, 10000} },
	} {
		r := n.request("a", "", me)
		edit(&r)
		if id, err := n.Claim(r); err == nil {
			t.Errorf("%s: got %+v", name, id)
		}
	}
	n.exact(t)
}

func TestFullRange(t *testing.T) {
	n := newNode(t, "")
	me := must[record.Process](t)(record.Self())
	seen := map[uint32]bool{}
	request := func(id string, p record.Process) Request {
		r := n.request(id, "", p)
		r.Range = Range{20001, 20050}
		return r
	}
	for i := range 40 {
		seen[must[Identity](t)(n.Claim(request(fmt.Sprint("c", i), me))).UID] = true
	}
	for i := range 30 { // more than there is room for, but dead: they are found
		must[Identity](t)(n.Claim(request(fmt.Sprint("d", i), gone(i))))
	}
	for i := range 10 {
		seen[must[Identity](t)(n.Claim(request(fmt.Sprint("e", i), me))).UID] = true
	}
	if len(seen) != 50 {
		t.Errorf("%d of 50 IDs given", len(seen))
	}
	_, err := n.Claim(request("one-more", me))
	if !errors.Is(err, ErrNoID) || !strings.Contains(err.Error(), "uid_range") {
		t.Errorf("in a full range: %v", err)
	}
	if got := len(names(t, filepath.Join(n.dir, "run", "uid"))); got != 50 {
		t.Errorf("%d IDs taken", got)
	}
}

func TestHold(t *testing.T) {
	n := newNode(t, "")
	me := must[record.Process](t)(record.Self())
	fixed := Identity{UID: 0, GID: 0, HostUID: 20001, HostGID: 20002}
	a, b := n.owner("a", "", me), n.owner("b", "", me)
	for _, o := range []Owner{a, b} {
		if err := n.Hold(o, fixed); err != nil {
			t.Fatal(err)
		}
	}
	r := n.request("c", "", me)
	r.Range = Range{20001, 20003}
	if id := must[Identity](t)(n.Claim(r)); id.UID != 20003 {
		t.Errorf("got %d, which is held", id.UID)
	}
	for _, o := range []Owner{a, b} {
		if err := n.Release(o, fixed); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, filepath.Join(n.dir, "run", "uid")); len(got) != 1 {
		t.Errorf("still taken: %v", got)
	}
}

func TestPod(t *testing.T) {
	n := newNode(t, "")
	me := must[record.Process](t)(record.Self())
	if _, err := n.Claim(n.request("early", "pod", gone(0))); !errors.Is(err, ErrNoSandbox) {
		t.Fatalf("without a sandbox: %v", err)
	}
	want, err := n.create(n.request("pod", "pod", gone(1)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		id, err := n.create(n.request(fmt.Sprint("w", i), "pod", gone(2+i)))
		if err != nil || id != want {
			t.Errorf("container %d of the pod: %+v, %v; the sandbox has %+v", i, id, err, want)
		}
	}
	if _, err := n.Claim(n.request("pod", "pod", me)); !errors.Is(err, record.ErrExists) {
		t.Errorf("the sandbox once more: %v", err)
	}
	// A container that is given up leaves the pod as it was.
	r := n.request("failed", "pod", me)
	if err := n.Release(r.Owner, must[Identity](t)(n.Claim(r))); err != nil {
		t.Fatal(err)
	}
	must[Swept](t)(n.Sweep())
	n.exact(t)
	// The sandbox is gone, a container is not.
	for _, id := range []string{"w0", "w1", "pod"} {
		if err := n.delete(id); err != nil {
			t.Fatal(err)
		}
	}
	must[Swept](t)(n.Sweep())
	if _, err := os.Stat(filepath.Join(n.dir, "run", "uid", strconv.Itoa(int(want.UID)))); err != nil {
		t.Errorf("the ID of a running container was freed: %v", err)
	}
	if _, err := n.Claim(n.request("late", "pod", me)); !errors.Is(err, ErrNoSandbox) {
		t.Errorf("after the sandbox: %v", err)
	}
	if err := n.delete("w2"); err != nil {
		t.Fatal(err)
	}
	must[Swept](t)(n.Sweep())
	n.exact(t)
}

// A sandbox that runclad did not create: the first container makes the claim.
func TestPodWithoutClaim(t *testing.T) {
	n := newNode(t, "")
	if err := os.Mkdir(filepath.Join(n.root, "pod"), 0o700); err != nil {
		t.Fatal(err)
	}
	a, err := n.create(n.request("a", "pod", gone(1)))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.delete("a"); err != nil {
		t.Fatal(err)
	}
	must[Swept](t)(n.Sweep())
	b, err := n.create(n.request("b", "pod", gone(2)))
	if err != nil || a != b {
		t.Errorf("the ID of the pod changed from %+v to %+v, %v", a, b, err)
	}
	for _, id := range []string{"b", "pod"} {
		if err := n.delete(id); err != nil {
			t.Fatal(err)
		}
	}
	must[Swept](t)(n.Sweep())
	n.exact(t)
}

// A sandbox whose creator was killed before the runtime had state for it, and
// that is created once more.
func TestSandboxAgain(t *testing.T) {
	n := newNode(t, "")
	old := must[Identity](t)(n.Claim(n.request("pod", "pod", gone(1))))
	now, err := n.create(n.request("pod", "pod", gone(2)))
	if err != nil || now == old {
		t.Fatalf("%+v after %+v, %v", now, old, err)
	}
	w, err := n.create(n.request("w", "pod", gone(3)))
	if err != nil || w != now {
		t.Errorf("%+v, %v", w, err)
	}
	must[Swept](t)(n.Sweep())
	n.exact(t)
}

// Containers of one sandbox at once, and a reclaimer between them.
func TestPodRace(t *testing.T) {
	for round := range 50 {
		n := newNode(t, "")
		if err := os.Mkdir(filepath.Join(n.root, "pod"), 0o700); err != nil {
			t.Fatal(err)
		}
		me := must[record.Process](t)(record.Self())
		ids := make([]Identity, 8)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				var err error
				if ids[i], err = n.Claim(n.request(fmt.Sprint("w", i), "pod", me)); err != nil {
					t.Error(err)
				}
			})
			wg.Go(func() {
				if _, err := n.Sweep(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("round %d: %+v", round, ids)
			}
		}
		if got := n.content(t); len(got) != 1+8+1+2 {
			t.Fatalf("round %d: %q", round, got)
		}
	}
}

// Reclaimers and claimers in a range so small that an ID is freed and claimed
// at the same time over and over.
func TestClaimAgainstReclaim(t *testing.T) {
	n := newNode(t, "")
	me := must[record.Process](t)(record.Self())
	var wg sync.WaitGroup
	var mu sync.Mutex
	held := map[uint32]string{}
	// Whoever finds an empty folder may remove it.
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				if _, err := n.uids.Rmdir(strconv.Itoa(20001 + i%8)); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for g := range 4 {
		wg.Go(func() {
			for i := range 300 {
				name := fmt.Sprintf("c%d-%d", g, i)
				p, end := me, func() {}
				if i%3 == 0 {
					var err error
					if p, end, err = creator(); err != nil {
						t.Error(err)
						return
					}
				}
				r := n.request(name, "", p)
				r.Range = Range{20001, 20008}
				id, err := n.Claim(r)
				end()
				if errors.Is(err, ErrNoID) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if p != me {
					continue // dead: anybody may take it
				}
				mu.Lock()
				if o := held[id.UID]; o != "" {
					t.Errorf("%s and %s have UID %d", o, name, id.UID)
				}
				held[id.UID] = name
				mu.Unlock()
				if _, err := n.Reclaim(); err != nil {
					t.Error(err)
				}
				mu.Lock()
				delete(held, id.UID)
				mu.Unlock()
				if err := n.Release(r.Owner, id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	<-stopped
	must[Swept](t)(n.Sweep())
	n.exact(t)
}

// There is no moment in which a claimed ID has no member: whoever removes empty
// folders all the time never finds one.
func TestClaimIsNeverEmpty(t *testing.T) {
	const ids = 8
	me := must[record.Process](t)(record.Self())
	for range 100 {
		n := newNode(t, "")
		var wg sync.WaitGroup
		claimed := make(chan struct{})
		go func() {
			defer close(claimed)
			for i := range ids {
				r := n.request(fmt.Sprint("c", i), "", me)
				r.Range = Range{20001, 20000 + ids}
				if _, err := n.Claim(r); err != nil {
					t.Error(err)
				}
			}
		}()
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-claimed:
					return
				default:
					if err := unix.Rmdir(n.uids.Path(strconv.Itoa(20001 + i%ids))); err == nil {
						t.Error("a claimed ID was free")
					}
				}
			}
		})
		wg.Wait()
	}
}

// A container that looked up its pod's claim, and comes to join it after the
// claim was reclaimed, withdraws.
func TestJoinTooLate(t *testing.T) {
	me := must[record.Process](t)(record.Self())
	for name, after := range map[string]func(n *node, host string) error{
		"ID freed": func(n *node, host string) error { return os.RemoveAll(n.uids.Path(host)) },
		"ID a stranger's": func(n *node, host string) error {
			o := n.owner("stranger", "", me)
			if err := os.RemoveAll(n.uids.Path(host)); err != nil {
				return err
			}
			_, err := n.take(host, o.members())
			return err
		},
		"pod's place empty": func(n *node, _ string) error { return os.RemoveAll(n.pods.Path(record.Key(n.root, "pod"))) },
		"pod's place another's": func(n *node, _ string) error {
			o := n.owner("pod", "pod", gone(51))
			if err := os.RemoveAll(n.pods.Path(record.Key(n.root, "pod"))); err != nil {
				return err
			}
			_, err := n.takePod(n.root, "pod", podClaim{20001, 20001, false, o.creation()})
			return err
		},
		"sandbox gone": func(n *node, _ string) error { return n.delete("pod") },
	} {
		n := newNode(t, "")
		id, err := n.create(n.request("pod", "pod", gone(1)))
		if err != nil {
			t.Fatal(err)
		}
		c := must[podClaim](t)(n.podClaim(n.root, "pod", false))
		host := id.hosts()[0]
		if err := after(n, host); err != nil {
			t.Fatal(err)
		}
		r := n.request("w", "pod", me)
		ok, err := n.joinPod(r, id, c)
		if ok || (err != nil) != (name == "sandbox gone") {
			t.Errorf("%s: joined %v, %v", name, ok, err)
		}
		if there := must[bool](t)(n.uids.Exists(host + "/" + r.member(containerMember).name())); there {
			t.Errorf("%s: the member is still there", name)
		}
	}
}

// Fifty processes claim at once, in a range that they nearly fill.
func TestConcurrentProcesses(t *testing.T) {
	const processes, each = 50, 20
	n := newNode(t, "")
	seen := map[string]bool{}
	var stops []io.Closer
	var outs []io.Reader
	var cmds []*exec.Cmd
	for i := range processes {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{"IDENTITY_TEST_CHILD=claim", "NODE=" + n.dir, "NAME=" + strconv.Itoa(i), "GOMAXPROCS=1"}
		cmd.Stderr = os.Stderr
		stop := must[io.WriteCloser](t)(cmd.StdinPipe())
		out := must[io.ReadCloser](t)(cmd.StdoutPipe())
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stops, outs, cmds = append(stops, stop), append(outs, out), append(cmds, cmd)
	}
	for _, out := range outs {
		lines := bufio.NewScanner(out)
		for i := 0; i < each && lines.Scan(); i++ {
			if seen[lines.Text()] {
				t.Errorf("%s was given twice", lines.Text())
			}
			seen[lines.Text()] = true
		}
	}
	if len(seen) != processes*each {
		t.Errorf("%d IDs", len(seen))
	}
	for i, cmd := range cmds {
		stops[i].Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	must[Swept](t)(n.Sweep())
	n.exact(t)
}

// claimChild claims twenty IDs and holds them until its input ends.
func claimChild() error {
	n, err := openNode(os.Getenv("NODE"))
	if err != nil {
		return err
	}
	me, err := record.Self()
	if err != nil {
		return err
	}
	for i := range 20 {
		r := n.request("c"+os.Getenv("NAME")+"-"+strconv.Itoa(i), "", me)
		r.Range = Range{20001, 21100}
		id, err := n.Claim(r)
		if err != nil {
			return err
		}
		if _, err := n.Reclaim(); err != nil {
			return err
		}
		fmt.Println(id.UID)
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func TestUserNamespace(t *testing.T) {
	n := newNode(t, "")
	me := must[record.Process](t)(record.Self())
	request := func(id, sandbox string) Request {
		r := n.request(id, sandbox, me)
		r.UIDs = []Mapping{{0, 100000, 65536}}
		r.GIDs = []Mapping{{0, 300000, 65536}}
		return r
	}
	id, err := n.create(request("a", "a"))
	if err != nil {
		t.Fatal(err)
	}
	if id.UID != id.GID || id.UID < lowest || id.UID >= 65534 || id.HostUID != 100000+id.UID || id.HostGID != 300000+id.GID {
		t.Errorf("got %+v", id)
	}
	joined, err := n.create(request("b", "a"))
	if err != nil || joined != id {
		t.Errorf("got %+v, %v; the sandbox has %+v", joined, err, id)
	}
	if _, err := n.Claim(n.request("c", "a", me)); err == nil {
		t.Error("a container without user namespace joined a pod with one")
	}
	for _, host := range id.hosts() {
		if got := names(t, filepath.Join(n.dir, "run", "uid", host)); len(got) != 3 {
			t.Errorf("members of %s: %v", host, got)
		}
	}
	if err := errors.Join(n.delete("a"), n.delete("b")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(n.Release(request("a", "a").Owner, id), n.Release(request("b", "a").Owner, id)); err != nil {
		t.Fatal(err)
	}
	n.exact(t)
}
