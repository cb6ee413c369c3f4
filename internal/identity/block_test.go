// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/runclad/runclad/internal/record"
)

func (n *node) rootRequest(id, sandbox string, p record.Process) Request {
	r := n.request(id, sandbox, p)
	r.AsRoot = true
	return r
}

func TestBlock(t *testing.T) {
	n := newNode(t, "")
	me := must[record.Process](t)(record.Self())
	id, err := n.create(n.rootRequest("a", "", me))
	if err != nil {
		t.Fatal(err)
	}
	if !id.Block || id.UID != 0 || id.GID != 0 || id.HostUID != id.HostGID || id.HostUID%BlockSize != 0 ||
		id.HostUID < DefaultRange.First || id.HostUID+BlockSize-1 > DefaultRange.Last {
		t.Errorf("got %+v", id)
	}
	n.exact(t)
	r := n.rootRequest("b", "", me)
	other := must[Identity](t)(n.Claim(r))
	if other.HostUID == id.HostUID {
		t.Errorf("%+v twice", id)
	}
	for range 2 {
		if err := n.Release(r.Owner, other); err != nil {
			t.Fatal(err)
		}
	}
	n.exact(t)
}

// TestBlocksAndIDs: an ID in a block is not given, nor a block around an ID,
// nor what a container holds.
func TestBlocksAndIDs(t *testing.T) {
	n := newNode(t, "")
	me := must[record.Process](t)(record.Self())
	two := Range{BlockSize * 2, BlockSize*4 - 1}
	block := n.rootRequest("a", "", me)
	block.Range = two
	id := must[Identity](t)(n.Claim(block))
	for i := range 50 {
		r := n.request(fmt.Sprint("s", i), "", me)
		r.Range = two
		if got := must[Identity](t)(n.Claim(r)); got.HostUID/BlockSize == id.HostUID/BlockSize {
			t.Errorf("%d lies in the block from %d on", got.HostUID, id.HostUID)
		}
	}
	block.ID = "b"
	if got, err := n.Claim(block); !errors.Is(err, ErrNoID) || !strings.Contains(err.Error(), "blocks of 65536 IDs") {
		t.Errorf("a block around claimed IDs: %+v, %v", got, err)
	}
	inside := Identity{UID: 7, GID: 7, HostUID: id.HostUID + 7, HostGID: id.HostGID + 7}
	if err := n.Hold(n.owner("h", "", me), inside); !errors.Is(err, ErrNoID) {
		t.Errorf("hold of an ID in a block: %v", err)
	}
	small := n.rootRequest("c", "", me)
	small.Range = Range{BlockSize + 1, BlockSize*3 - 2}
	if got, err := n.Claim(small); !errors.Is(err, ErrNoID) {
		t.Errorf("a block out of a range without one: %+v, %v", got, err)
	}
}

// TestPodOfBothKinds: containers of a pod share an ID, or a block, with those of
// their kind, whichever the sandbox has.
func TestPodOfBothKinds(t *testing.T) {
	for _, sandboxIsRoot := range []bool{false, true} {
		n := newNode(t, "")
		me := must[record.Process](t)(record.Self())
		sandbox := n.request("pod", "pod", me)
		sandbox.AsRoot = sandboxIsRoot
		must[Identity](t)(n.create(sandbox))
		ids := map[bool]Identity{}
		for i := range 4 {
			r := n.request(fmt.Sprint("c", i), "pod", me)
			r.AsRoot = i%2 == 0
			id := must[Identity](t)(n.create(r))
			if first, ok := ids[r.AsRoot]; ok && first != id {
				t.Errorf("root %v: %+v and %+v", r.AsRoot, first, id)
			}
			ids[r.AsRoot] = id
		}
		if ids[true].HostUID/BlockSize == ids[false].HostUID/BlockSize {
			t.Errorf("%+v", ids)
		}
		for _, id := range []string{"c0", "c1", "c2", "c3", "pod"} {
			if err := n.delete(id); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 4 {
			r := n.request(fmt.Sprint("c", i), "pod", me)
			if err := n.Release(r.Owner, ids[i%2 == 0]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestDeadBlock: a block, and a pod's, is freed with its containers.
func TestDeadBlock(t *testing.T) {
	n := newNode(t, "")
	must[Identity](t)(n.create(n.rootRequest("a", "", gone(1))))
	must[Identity](t)(n.create(n.rootRequest("pod", "pod", gone(2))))
	must[Identity](t)(n.create(n.rootRequest("w", "pod", gone(3))))
	must[Swept](t)(n.Sweep())
	n.exact(t)
	if err := errors.Join(n.delete("a"), n.delete("w"), n.delete("pod")); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		must[Swept](t)(n.Reclaim())
	}
	n.exact(t)
	if got := n.content(t); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

// TestRootOfAnEngineNamespace: the engine's own mapping decides, and only one
// container at a time is root in it.
func TestRootOfAnEngineNamespace(t *testing.T) {
	n := newNode(t, "")
	me := must[record.Process](t)(record.Self())
	request := func(id string, m ...Mapping) Request {
		r := n.rootRequest(id, "", me)
		r.UIDs, r.GIDs = m, m
		return r
	}
	id := must[Identity](t)(n.Claim(request("a", Mapping{0, 200000, 65536})))
	if want := (Identity{HostUID: 200000, HostGID: 200000}); id != want {
		t.Errorf("got %+v, want %+v", id, want)
	}
	for name, m := range map[string][]Mapping{
		"taken":        {{0, 200000, 65536}},
		"no root":      {{1, 300000, 65535}},
		"root is root": {{0, 0, 1}, {1, 300000, 100}},
		"holds root":   {{0, 300000, 100}, {100, 0, 1}},
		"low":          {{0, 300000, 100}, {100, 1000, 1}},
	} {
		if got, err := n.Claim(request("b", m...)); !errors.Is(err, ErrNoID) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestConcurrentBlocks: processes that claim IDs and blocks of the same small
// range at once never get what overlaps, and all get something: of its 64 blocks
// the IDs touch 48 at most.
func TestConcurrentBlocks(t *testing.T) {
	n := newNode(t, "")
	blocks, ids := map[string]bool{}, map[string]bool{}
	var outs []io.Reader
	var stops []io.Closer
	var cmds []*exec.Cmd
	for i := range 16 {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{"IDENTITY_TEST_CHILD=mixed", "NODE=" + n.dir, "NAME=" + strconv.Itoa(i), "GOMAXPROCS=1"}
		cmd.Stderr = os.Stderr
		stops = append(stops, must[io.WriteCloser](t)(cmd.StdinPipe()))
		outs = append(outs, must[io.ReadCloser](t)(cmd.StdoutPipe()))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, cmd)
	}
	for _, out := range outs {
		lines := bufio.NewScanner(out)
		for lines.Scan() && lines.Text() != "end" {
			kind, number, _ := strings.Cut(lines.Text(), " ")
			of := map[string]map[string]bool{"block": blocks, "id": ids}[kind]
			if of[number] {
				t.Errorf("%s was given twice", lines.Text())
			}
			of[number] = true
		}
	}
	for id := range ids {
		v, err := strconv.Atoi(id)
		if err != nil || blocks[strconv.Itoa(v/BlockSize*BlockSize)] {
			t.Errorf("%s lies in a block that was given", id)
		}
	}
	if len(blocks) != 4*2 || len(ids) != 12*4 {
		t.Errorf("%d blocks, %d IDs", len(blocks), len(ids))
	}
	for i, cmd := range cmds {
		stops[i].Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// mixedChild claims four IDs or two blocks, and holds them until its input ends.
func mixedChild() error {
	n, err := openNode(os.Getenv("NODE"))
	if err != nil {
		return err
	}
	me, err := record.Self()
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(os.Getenv("NAME"))
	if err != nil {
		return err
	}
	asRoot := number%4 == 0
	for i := range map[bool]int{true: 2, false: 4}[asRoot] {
		r := n.request("c"+os.Getenv("NAME")+"-"+strconv.Itoa(i), "", me)
		r.Range, r.AsRoot = Range{BlockSize * 30000, BlockSize*30064 - 1}, asRoot
		id, err := n.Claim(r)
		if err != nil {
			return err
		}
		fmt.Println(map[bool]string{true: "block", false: "id"}[id.Block], id.HostUID)
	}
	fmt.Println("end")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
