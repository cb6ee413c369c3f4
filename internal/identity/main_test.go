// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/runclad/runclad/internal/record"
	"golang.org/x/sys/unix"
)

// The test binary is also the process that is started fifty times, or killed.
func TestMain(m *testing.M) {
	switch os.Getenv("IDENTITY_TEST_CHILD") {
	case "":
		os.Exit(m.Run())
	case "claim":
		exit(claimChild())
	case "crash":
		exit(crashChild())
	case "mixed":
		exit(mixedChild())
	}
	os.Exit(2)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// gone is a process that does not exist: its PID is above the kernel's limit,
// 2^22, or that of a process that started at another time.
func gone(n int) record.Process {
	if n%50 == 0 {
		return record.Process{PID: 1, Start: 1<<60 + uint64(n)}
	}
	return record.Process{PID: 1 << 29, Start: uint64(n)}
}

// node is a run state and a runtime's root.
type node struct {
	dir, root string
	records   record.Store
	Store
}

func openNode(dir string) (*node, error) {
	n := &node{dir: dir, root: filepath.Join(dir, "root")}
	if err := os.Mkdir(n.root, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	var err error
	if n.records, err = record.Open(filepath.Join(dir, "run")); err != nil {
		return nil, err
	}
	n.Store, err = Open(n.records)
	return n, err
}

// newNode makes one on the file system at, or on tmpfs, where /run is.
func newNode(tb testing.TB, at string) *node {
	tb.Helper()
	if at == "" {
		at = "/dev/shm"
	}
	dir, err := os.MkdirTemp(at, "identity-")
	if err != nil {
		tb.Fatal(err)
	}
	n, err := openNode(dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		n.Store.Close()
		n.records.Close()
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	return n
}

func (n *node) owner(id, sandbox string, p record.Process) Owner {
	return Owner{Root: n.root, ID: id, Flavor: "runc", Sandbox: sandbox, Creator: p}
}

func (n *node) request(id, sandbox string, p record.Process) Request {
	return Request{Owner: n.owner(id, sandbox, p), Range: DefaultRange}
}

func (n *node) recordOf(r Request, id Identity) record.Record {
	return record.Record{
		ID: r.ID, Root: r.Root, Flavor: r.Flavor, Sandbox: r.Sandbox, Block: "start",
		UID: id.UID, GID: id.GID, HostUID: id.HostUID, HostGID: id.HostGID,
		CreatorPID: r.Creator.PID, CreatorStart: r.Creator.Start, Created: "2026-01-02T03:04:05Z",
	}
}

// create does what the shim does, and then what the runtime does.
func (n *node) create(r Request) (Identity, error) {
	id, err := n.Claim(r)
	if err != nil {
		return id, err
	}
	if err := n.records.Write(n.recordOf(r, id), record.File{Name: "passwd", Data: []byte("p")}); err != nil {
		return id, err
	}
	return id, os.Mkdir(filepath.Join(n.root, r.ID), 0o700)
}

// delete is the runtime's delete.
func (n *node) delete(id string) error { return os.Remove(filepath.Join(n.root, id)) }

func must[T any](tb testing.TB) func(T, error) T {
	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

func names(tb testing.TB, dir string) []string {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// content lists the run state, without the cursor.
func (n *node) content(tb testing.TB) []string {
	tb.Helper()
	var out []string
	for _, sub := range []string{"uid", "pod", "container"} {
		for _, a := range names(tb, filepath.Join(n.dir, "run", sub)) {
			for _, b := range names(tb, filepath.Join(n.dir, "run", sub, a)) {
				out = append(out, sub+"/"+a+"/"+b)
			}
			out = append(out, sub+"/"+a)
		}
	}
	slices.Sort(out)
	return out
}

// wanted is the content that goes with the given records, and nothing else. The
// p. members are taken from what is in the pods' places.
func (n *node) wanted(tb testing.TB, alive []record.Record) []string {
	tb.Helper()
	var out []string
	add := func(s ...string) { out = append(out, s...) }
	for _, r := range alive {
		uid, block := "uid/"+strconv.FormatUint(uint64(r.HostUID), 10), r.UID == 0
		if block {
			uid = "uid/" + blockName(r.HostUID/BlockSize)
		}
		add(uid, uid+"/c."+r.Creation())
		key := "container/" + record.Key(r.Root, r.ID)
		add(key, key+"/"+r.Creation())
		if r.Sandbox != "" {
			c := must[podClaim](tb)(n.podClaim(r.Root, r.Sandbox, block))
			if c.uid != r.HostUID {
				tb.Errorf("container %s has UID %d, its pod %d", r.ID, r.HostUID, c.uid)
			}
			pod := "pod/" + podKey(r.Root, r.Sandbox, block)
			add(pod, pod+"/"+c.name(), uid+"/p."+c.creation)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// alive are the records of containers for which the runtime has state.
func (n *node) alive(tb testing.TB) []record.Record {
	tb.Helper()
	var out []record.Record
	for _, id := range names(tb, n.root) {
		out = append(out, must[record.Record](tb)(n.records.Read(n.root, id)))
	}
	return out
}

// exact fails unless the run state is that of the existing containers.
func (n *node) exact(t *testing.T) {
	t.Helper()
	got, want := n.content(t), n.wanted(t, n.alive(t))
	if !slices.Equal(got, want) {
		for _, g := range got {
			if !slices.Contains(want, g) {
				t.Errorf("left behind: %s", g)
			}
		}
		for _, w := range want {
			if !slices.Contains(got, w) {
				t.Errorf("lost: %s", w)
			}
		}
	}
	distinct(t, n.alive(t))
}

// distinct fails if two containers share an ID that are not of one pod.
func distinct(t *testing.T, records []record.Record) {
	t.Helper()
	byUID := map[uint32]record.Record{}
	for _, r := range records {
		if o, ok := byUID[r.HostUID]; ok && (r.Sandbox == "" || r.Sandbox != o.Sandbox) {
			t.Errorf("containers %s and %s share UID %d", r.ID, o.ID, r.HostUID)
		}
		byUID[r.HostUID] = r
	}
}

// creator returns a process, as far as /proc can tell: a thread, which ends when
// end is called.
func creator() (p record.Process, end func(), err error) {
	type result struct {
		p   record.Process
		err error
	}
	stop, ended := make(chan struct{}), make(chan result)
	var run func()
	run = func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if unix.Gettid() == unix.Getpid() {
			go run() // the first thread cannot end
			<-stop
			runtime.UnlockOSThread()
			return
		}
		stat, err := os.ReadFile("/proc/thread-self/stat")
		p := record.Process{PID: unix.Gettid()}
		if err == nil {
			fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')'):]))
			p.Start, err = strconv.ParseUint(fields[20], 10, 64)
		}
		ended <- result{p, err}
		<-stop
	}
	go run()
	r := <-ended
	return r.p, func() {
		close(stop)
		for {
			if alive, err := r.p.Alive(); !alive || err != nil {
				return
			}
			runtime.Gosched()
		}
	}, r.err
}
